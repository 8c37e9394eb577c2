"""Batches from a generator, made ahead of the step in a thread of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from training.devices import distribution
from training.devices.batch_shares import pad_rows, shard

BATCHES_AHEAD = 8


def prefetched(batches: Callable[[], Iterator[Any]], steps: int) -> tf.data.Dataset:
    """A data set of the `steps` batches that `batches()` yields.

    Where several devices share a batch, it holds this process's rows of each, and rows of padding
    where the batch cannot be divided otherwise (see `training.devices.batch_shares`).

    Args:
        batches: makes an iterator of dicts of arrays, or of tuples of such a dict and an array or
            a dict; the first axis of every array is the batch, and any axis may differ between
            batches in length.
        steps: their number.
    """
    made = _shared(batches) if distribution.is_distributed() else batches
    signature = tf.nest.map_structure(specification, next(made()))
    dataset = tf.data.Dataset.from_generator(made, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(BATCHES_AHEAD)
    # There is nothing to tune, and whoever ends an iterator waits for the tuner's next look. Those
    # come after 10, 20, 40, ... ms: with it, every epoch took 5.1, 10.2, 20.5, 41 or 82 s.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _shared(batches: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    """The same batches, of each this process's rows alone."""
    multiple = distribution.replicas()
    process, processes = distribution.process(), distribution.processes()

    def made() -> Iterator[Any]:
        for batch in batches():
            share = shard(pad_rows(batch, multiple), process, processes)
            yield tf.nest.map_structure(_number, share)

    return made


def _number(array: np.ndarray) -> np.ndarray:
    # Keras averages a batch over replicas to see its shapes, which bool cannot.
    return array.astype(np.int32) if array.dtype == bool else array


def specification(array: np.ndarray) -> tf.TensorSpec:
    """The array's type, and its shape with every length open."""
    # Lengths stay open, so that one trace of the step serves every length.
    shape = [None, *(None for _ in array.shape[1:])]
    return tf.TensorSpec(shape=shape, dtype=array.dtype)
