"""Operations over the rows of each example, for arrays that come with an "example" index per row.

The rows of an example are adjacent. `models.layers.joined_rows` has the same in Keras' operations,
for losses.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np


def first_rows(example: np.ndarray) -> np.ndarray:
    """(examples,) int: the first row of each example, given the examples' indices (rows,)."""
    if not len(example):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], example[1:] != example[:-1]]))


def split_rows(outputs: Any, example: np.ndarray) -> list[Any]:
    """Splits outputs into those of each example, in the order of the batch.

    Args:
        outputs: an array (rows, ...), or a dict of such arrays.
        example: (rows,) int.

    Returns:
        For each example an array (its rows, ...), or a dict of such arrays.
    """
    starts = first_rows(example)
    ends = [*starts[1:], len(example)][: len(starts)]
    if not isinstance(outputs, Mapping):
        return [outputs[start:end] for start, end in zip(starts, ends, strict=True)]
    parts = {name: split_rows(array, example) for name, array in outputs.items()}
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def max_over_rows(values: np.ndarray, example: np.ndarray) -> np.ndarray:
    """(rows, ...) to (examples, ...): the maximum over the rows of each example."""
    return np.maximum.reduceat(values, first_rows(example), axis=0)


def softmax_over_rows(logits: np.ndarray, example: np.ndarray) -> np.ndarray:
    """(rows,) to (rows,): a softmax over the rows of each example."""
    starts = first_rows(example)
    sizes = np.diff([*starts, len(example)])
    powers = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts), sizes))
    return powers / np.repeat(np.add.reduceat(powers, starts), sizes)
