"""The forward pass of a model, compiled: for validation, for predict.py, and for the service."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tasks.data import Batches
from training.devices import distribution
from training.devices.batch_shares import real_rows
from training.devices.input_pipeline import prefetched, specification

Inputs = Mapping[str, np.ndarray]


class Forward:
    """The outputs of a model in inference mode, as NumPy arrays.

    It is compiled once for every length, where the backend can do that, and keeps nothing of what
    went through it. (`predict_on_batch` is traced anew for each length, and of a data set that
    `predict` is given TensorFlow never forgets the generator: a long file is a great many.)

        forward = Forward(model)
        logits = forward.outputs(task.inputs(encoded, text))

    Args:
        model: built.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, batches: Batches) -> Iterator[tuple[Any, Any, Any]]:
        """The inputs, the targets and the outputs of each batch of epoch 0.

        Each process of a run gets all of them.
        """
        if not distribution.is_distributed():
            for inputs, targets in batches.batches(0):
                yield inputs, targets, self.outputs(inputs)
            return
        # The rows of a batch go to several devices, and rows may have been added.
        dataset = prefetched(lambda: (inputs for inputs, _ in batches.batches(0)), batches.steps(0))
        run = self._on_processes if keras.backend.backend() == "jax" else self._on_replicas
        for (inputs, targets), outputs in zip(batches.batches(0), run(dataset), strict=True):
            real = real_rows(inputs, distribution.replicas())
            yield inputs, targets, keras.tree.map_structure(operator.itemgetter(real), outputs)

    def outputs(self, inputs: Inputs) -> Any:
        """The outputs for one batch, (rows, ...) each, on one device.

        Args:
            inputs: all of the model's inputs.
        """
        backend = keras.backend.backend()
        if backend == "tensorflow":
            outputs = self._traced(inputs)(dict(inputs))
        elif backend == "jax":
            outputs = self._jitted()(*_variables(self._model), dict(inputs))
        else:
            outputs = self._model(dict(inputs), training=False)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)

    def _traced(self, inputs: Inputs) -> Callable[..., Any]:
        signature = tuple((name, specification(array)) for name, array in inputs.items())
        if signature not in self._compiled:
            self._compiled[signature] = tf.function(
                lambda batch: self._model(batch, training=False),
                input_signature=[dict(signature)],
                autograph=False,
            )
        return self._compiled[signature]

    def _on_replicas(self, dataset: tf.data.Dataset) -> Iterator[Any]:
        """The outputs of TensorFlow's replicas, one after the other."""
        strategy = tf.distribute.get_strategy()
        if "replicas" not in self._compiled:
            self._compiled["replicas"] = tf.function(
                lambda batch: strategy.run(
                    lambda rows: self._model(rows, training=False), (batch,)
                ),
                reduce_retracing=True,
            )
        for batch in strategy.experimental_distribute_dataset(dataset):
            parts = self._compiled["replicas"](batch)
            yield keras.tree.map_structure(
                lambda part: np.concatenate(strategy.experimental_local_results(part)), parts
            )

    def _on_processes(self, dataset: tf.data.Dataset) -> Iterator[Any]:
        """The outputs of a batch of which each process has its rows: all of it in each process.

        Keras' own `predict` gives arrays of which a process sees its own part alone.
        """
        import jax

        layout = keras.distribution.distribution()
        for batch in dataset.as_numpy_iterator():
            inputs = {
                name: jax.make_array_from_process_local_data(
                    layout.get_data_layout(array.shape).backend_layout, array
                )
                for name, array in batch.items()
            }
            outputs = self._jitted()(*_variables(self._model), inputs)
            yield keras.tree.map_structure(np.asarray, outputs)

    def _jitted(self) -> Callable[..., Any]:
        if "jitted" in self._compiled:
            return self._compiled["jitted"]
        import jax

        layout = keras.distribution.distribution()
        settings: dict[str, Any] = {}
        if layout is not None:
            mesh = layout.device_mesh.backend_mesh
            whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
            settings = {"out_shardings": whole}

        def forward(trainable: Any, non_trainable: Any, inputs: Any) -> Any:
            return self._model.stateless_call(trainable, non_trainable, inputs, training=False)[0]

        self._compiled["jitted"] = jax.jit(forward, **settings)
        return self._compiled["jitted"]


def _variables(model: keras.Model) -> tuple[list[Any], list[Any]]:
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
