"""The compiled forward pass of a model, for validation, predict.py and the service."""

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
    """Computes the outputs of a model in inference mode, as NumPy arrays.

    With TensorFlow it is compiled once for all lengths. It retains no memory per batch. (Keras'
    `predict_on_batch` is retraced for each length; `predict` makes TensorFlow keep the generator of
    each data set, which adds up over a long file.)

        forward = Forward(model)
        logits = forward.outputs(task.inputs(encoded, text))

    Args:
        model: a built model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, batches: Batches) -> Iterator[tuple[Any, Any, Any]]:
        """Yields the inputs, the targets and the outputs of each batch of epoch 0.

        With several processes, each of them gets the outputs of the whole batch.

        Args:
            batches: the batches.
        """
        if not distribution.is_distributed():
            for inputs, targets in batches.batches(0):
                yield inputs, targets, self.outputs(inputs)
            return
        # The rows of a batch are divided among devices, possibly with padding rows.
        dataset = prefetched(lambda: (inputs for inputs, _ in batches.batches(0)), batches.steps(0))
        run = self._on_processes if keras.backend.backend() == "jax" else self._on_replicas
        for (inputs, targets), outputs in zip(batches.batches(0), run(dataset), strict=True):
            real = real_rows(inputs, distribution.replicas())
            yield inputs, targets, keras.tree.map_structure(operator.itemgetter(real), outputs)

    def compiled(self, part: keras.Model) -> Callable[[Inputs], Any]:
        """See `tasks.evaluation.Forward.compiled`."""
        return Forward(part).outputs

    def outputs(self, inputs: Inputs) -> Any:
        """Computes the outputs for one batch on one device.

        Args:
            inputs: all of the model's inputs by name, (rows, ...) each.

        Returns:
            The outputs, (rows, ...) each.
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
        """Yields the outputs of each batch, concatenated over TensorFlow's replicas."""
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
        """Yields the outputs of each whole batch in each process; `dataset` has a process's rows.

        (Keras' own `predict` returns arrays of which a process can read only its own part.)
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
