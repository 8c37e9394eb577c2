"""Batches from a generator, made ahead of the step in a thread of their own."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data_util.batch_shares import rows_of, share_of, with_rows
from training import distribution

BATCHES_AHEAD = 8


def prefetched(batches: Callable[[], Iterator[Any]], steps: int) -> tf.data.Dataset:
    """A data set of the `steps` batches that `batches()` yields.

    Where several devices share a batch, it holds this process's rows of each, and rows that are
    no examples where the batch could not be divided otherwise (see `data_util.batch_shares`).

    Args:
        batches: makes an iterator of dicts, or tuples of dicts and arrays; the first axis of
            every array is the batch, and any axis may differ between batches in length.
    """
    made = _shared(batches) if distribution.is_distributed() else batches
    signature = tf.nest.map_structure(_specification, next(made()))
    dataset = tf.data.Dataset.from_generator(made, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(BATCHES_AHEAD)
    # There is nothing to tune, and whoever ends an iterator waits for the tuner's next look. Those
    # come after 10, 20, 40, ... ms: with it, every epoch took 5.1, 10.2, 20.5, 41 or 82 s.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def predict_logits(
    model: keras.Model, batches: Callable[[], Iterator[dict[str, np.ndarray]]], steps: int
) -> np.ndarray:
    """The model's output for the `steps` batches that `batches()` yields, one after the other.

    Every process gets all of it. Unlike `predict_on_batch` with arrays, this does not trace the
    model anew for every length.
    """
    if not distribution.is_distributed():
        if keras.backend.backend() == "tensorflow":
            # Not `predict` with a data set: TensorFlow never forgets the generator of one, and
            # a long file is a great many.
            parts = []
            for batch in batches():
                signature = tuple((name, _specification(rows)) for name, rows in batch.items())
                parts.append(np.asarray(_traced(model, signature)(batch)))
            return np.concatenate(parts)
        return model.predict(prefetched(batches, steps), verbose=0)
    parts, examples = [], []
    multiple = distribution.replicas()
    for batch in batches():
        rows = rows_of(batch)
        examples.append(np.arange(rows + -rows % multiple) < rows)
    dataset = prefetched(batches, steps)
    if keras.backend.backend() == "jax":
        for batch in dataset.as_numpy_iterator():
            parts.append(_everywhere(model, batch))
        outputs = np.concatenate(parts)
    else:
        outputs = model.predict(dataset, verbose=0)
    return outputs[np.concatenate(examples)]


def _shared(batches: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    """The same batches, of each this process's rows alone."""
    multiple = distribution.replicas()
    process, processes = distribution.process(), distribution.processes()

    def made() -> Iterator[Any]:
        for batch in batches():
            share = share_of(with_rows(batch, multiple), process, processes)
            yield tf.nest.map_structure(_number, share)

    return made


def _number(array: np.ndarray) -> np.ndarray:
    # Keras averages a batch over replicas to see its shapes, which bool cannot.
    return array.astype(np.int32) if array.dtype == bool else array


def _everywhere(model: keras.Model, batch: dict[str, np.ndarray]) -> np.ndarray:
    """The output for a batch of which each process has its rows; all of it in each process.

    Keras' own `predict` gives arrays of which a process sees its own part alone.
    """
    import jax

    layout = keras.distribution.distribution()
    inputs = {
        name: jax.make_array_from_process_local_data(
            layout.get_data_layout(array.shape).backend_layout, array
        )
        for name, array in batch.items()
    }
    variables = (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
    return np.asarray(_compiled(model)(*variables, inputs))


@functools.lru_cache(maxsize=2)
def _traced(model: keras.Model, signature: tuple[tuple[str, tf.TensorSpec], ...]) -> Any:
    """The model as a function of a batch, traced once for every length."""
    return tf.function(
        lambda batch: model(batch, training=False),
        input_signature=[dict(signature)],
        autograph=False,
    )


@functools.lru_cache(maxsize=2)
def _compiled(model: keras.Model) -> Callable[..., Any]:
    import jax

    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())

    def forward(trainable: Any, non_trainable: Any, inputs: Any) -> Any:
        return model.stateless_call(trainable, non_trainable, inputs, training=False)[0]

    return jax.jit(forward, out_shardings=whole)


def _specification(array: np.ndarray) -> tf.TensorSpec:
    # Lengths stay open, so that one trace of the step serves every length.
    shape = [None, *(None for _ in array.shape[1:])]
    return tf.TensorSpec(shape=shape, dtype=array.dtype)
