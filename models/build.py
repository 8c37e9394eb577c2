"""Builds all weights of a model before any data is available."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import keras
import numpy as np

LayerT = TypeVar("LayerT", bound=keras.layers.Layer)


class Array(NamedTuple):
    """The shape and dtype of an array of a batch.

    Attributes:
        shape: the names of the dimensions, "batch" first; equal names mean equal sizes. A dimension
            whose size is known may be a number. "length" and "target_length" are numbers of tokens.
        dtype: the type of the elements.
    """

    shape: tuple[str | int, ...]
    dtype: str

    def with_sizes(self, sizes: Mapping[str, int]) -> "Array":
        """This array with the sizes of some dimensions in the place of their names."""
        known: Mapping[Any, int] = sizes
        return self._replace(shape=tuple(known.get(each, each) for each in self.shape))


INPUTS: Mapping[str, Array] = {
    "token_ids": Array(("batch", "length"), "int32"),
    "segment_ids": Array(("batch", "length"), "int32"),
    "padding_mask": Array(("batch", "length"), "bool"),
}


def example_batch(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """Returns a batch of one sequence of two tokens: all zeros except the padding mask.

    Args:
        arrays: the arrays of the batch by name.
    """
    batch = {}
    for name, array in arrays.items():
        shape = array.with_sizes({"length": 2, "target_length": 2}).shape
        known = [each if isinstance(each, int) else 1 for each in shape]
        batch[name] = np.zeros(known, array.dtype)
    return {**batch, "padding_mask": np.ones((1, 2), "bool")}


def build(model: LayerT) -> LayerT:
    """Calls a backbone or a model once, so that all of its weights exist, and returns it.

    Args:
        model: reads the arrays of its attribute `arrays`, or else the backbone's `INPUTS`.
    """
    model(example_batch(getattr(model, "arrays", INPUTS)), training=False)
    return model
