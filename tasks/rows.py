"""What belongs to one example, of arrays whose rows know their example.

The rows of an example stand next to each other. `models.layers.joined_rows` has the same in Keras'
operations, for losses.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np


def first_rows(example: np.ndarray) -> np.ndarray:
    """(examples,) int: where each example begins, in an array (rows,) of their numbers."""
    if not len(example):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], example[1:] != example[:-1]]))


def split_rows(outputs: Any, example: np.ndarray) -> list[Any]:
    """The rows of each example, in the order of the batch.

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
    """(rows, ...) to (examples, ...): the largest value in the rows of each example."""
    return np.maximum.reduceat(values, first_rows(example), axis=0)


def softmax_over_rows(logits: np.ndarray, example: np.ndarray) -> np.ndarray:
    """(rows,) to (rows,): probabilities whose sum over the rows of each example is 1."""
    starts = first_rows(example)
    sizes = np.diff([*starts, len(example)])
    powers = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts), sizes))
    return powers / np.repeat(np.add.reduceat(powers, starts), sizes)
