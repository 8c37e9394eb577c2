"""Batches from a generator, made ahead of the step in a thread of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

BATCHES_AHEAD = 8


def prefetched(batches: Callable[[], Iterator[Any]], steps: int) -> tf.data.Dataset:
    """A data set of the `steps` batches that `batches()` yields.

    Args:
        batches: makes an iterator of dicts, or tuples of dicts and arrays; the first axis of
            every array is the batch, and any axis may differ between batches in length.
    """
    signature = tf.nest.map_structure(_specification, next(batches()))
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(BATCHES_AHEAD)


def predict_logits(
    model: keras.Model, batches: Callable[[], Iterator[dict[str, np.ndarray]]], steps: int
) -> np.ndarray:
    """The model's output for the `steps` batches that `batches()` yields, one after the other.

    Unlike `predict_on_batch` with arrays, this does not trace the model anew for every length.
    """
    return model.predict(prefetched(batches, steps), verbose=0)


def _specification(array: np.ndarray) -> tf.TensorSpec:
    # Lengths stay open, so that one trace of the step serves every length.
    shape = [None, *(None for _ in array.shape[1:])]
    return tf.TensorSpec(shape=shape, dtype=array.dtype)
