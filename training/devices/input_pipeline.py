"""A data set of batches from a generator, which are prepared in a background thread."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from training.devices import distribution
from training.devices.batch_shares import pad_rows, shard

BATCHES_AHEAD = 8


def prefetched(batches: Callable[[], Iterator[Any]], steps: int) -> tf.data.Dataset:
    """Creates a data set of the batches that `batches()` yields.

    If several devices share a batch, it contains only the rows of this process, with padding rows
    if the batch cannot be divided evenly (see `training.devices.batch_shares`).

    Args:
        batches: returns an iterator of dicts of arrays, or of tuples of such a dict and an array or
            a dict. The first axis of each array is the row; the length of any axis may vary between
            batches.
        steps: the number of batches.
    """
    made = _shared(batches) if distribution.is_distributed() else batches
    signature = tf.nest.map_structure(specification, next(made()))
    dataset = tf.data.Dataset.from_generator(made, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(BATCHES_AHEAD)
    # There is nothing to tune, and ending an iterator waits for the tuner's next wake-up, after
    # 10, 20, 40, ... ms: with the tuner, every epoch took 5.1, 10.2, 20.5, 41 or 82 s.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _shared(batches: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    """The same batches, but only the rows of this process."""
    multiple = distribution.replicas()
    process, processes = distribution.process(), distribution.processes()

    def made() -> Iterator[Any]:
        for batch in batches():
            share = shard(pad_rows(batch, multiple), process, processes)
            yield tf.nest.map_structure(_number, share)

    return made


def _number(array: np.ndarray) -> np.ndarray:
    # To infer shapes, Keras averages a batch over the replicas, which fails for bool.
    return array.astype(np.int32) if array.dtype == bool else array


def specification(array: np.ndarray) -> tf.TensorSpec:
    """The dtype and rank of an array."""
    # Lengths are left open, so that one trace of the step works for every length.
    shape = [None, *(None for _ in array.shape[1:])]
    return tf.TensorSpec(shape=shape, dtype=array.dtype)
