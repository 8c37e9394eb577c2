"""Making a model's weights at once, before any data is there."""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import keras
import numpy as np

LayerT = TypeVar("LayerT", bound=keras.layers.Layer)


class Array(NamedTuple):
    """An array of a batch.

    Attributes:
        shape: names of the dimensions, "batch" first: equal names are equal sizes.
        dtype: what the numbers are.
    """

    shape: tuple[str, ...]
    dtype: str


INPUTS: Mapping[str, Array] = {
    "token_ids": Array(("batch", "length"), "int32"),
    "segment_ids": Array(("batch", "length"), "int32"),
    "padding_mask": Array(("batch", "length"), "bool"),
}


def example_batch(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """A batch of one sequence of two tokens, all zeros but its mask."""
    sizes = {"length": 2}
    batch = {
        name: np.zeros([sizes.get(dimension, 1) for dimension in array.shape], array.dtype)
        for name, array in arrays.items()
    }
    return {**batch, "padding_mask": np.ones((1, 2), "bool")}


def build(model: LayerT) -> LayerT:
    """Calls a backbone or a model once, so that all of its weights exist.

    Args:
        model: its `arrays` are what it reads of a batch; the backbone's `INPUTS` where it has none.
    """
    model(example_batch(getattr(model, "arrays", INPUTS)), training=False)
    return model
