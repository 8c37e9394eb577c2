"""The rows of a batch that one of several processes feeds to its devices."""

from typing import Any

import numpy as np

from common.errors import InputError

_WEIGHTS = "_weights"


def with_rows(batch: Any, multiple: int) -> Any:
    """Adds rows until their number can be divided; what is added is no example.

    Args:
        batch: a dict of arrays, or a tuple of such a dict and targets; the first axis is the row.
        multiple: of which the number of rows is to be a multiple.

    Returns:
        The batch with copies of its last row. In a dict, the arrays whose names end in "_weights"
        are 0 there, and each added row is an `example` of its own; a tuple gets a third entry,
        (rows,) float32: 0 there and 1 elsewhere.

    Raises:
        InputError: an example has several rows, which must not be parted.
    """
    inputs = batch[0] if isinstance(batch, tuple) else batch
    rows = rows_of(inputs)
    more = -rows % multiple
    padded = {name: _longer(array, more, name) for name, array in inputs.items()}
    if "example" in inputs:
        numbers = inputs["example"]
        if not np.array_equal(numbers, np.arange(rows)):
            raise InputError(
                "examples of several rows cannot be shared between devices: train on one device, "
                "without --distribute"
            )
        padded["example"] = np.arange(rows + more, dtype=numbers.dtype)
    if not isinstance(batch, tuple):
        return padded
    weights = np.repeat(np.array([1, 0], np.float32), (rows, more))
    return (padded, *(_longer(array, more) for array in batch[1:]), weights)


def share_of(batch: Any, process: int, processes: int) -> Any:
    """The rows of one process: those of all processes, in their order, are the whole batch.

    Args:
        batch: as `with_rows` gives it, its rows a multiple of `processes`.
        process: from 0.
        processes: how many there are.
    """
    if processes == 1:
        return batch
    if isinstance(batch, tuple):
        return tuple(share_of(part, process, processes) for part in batch)
    if isinstance(batch, dict):
        return {name: share_of(array, process, processes) for name, array in batch.items()}
    size = len(batch) // processes
    return batch[process * size : (process + 1) * size]


def rows_of(inputs: dict[str, np.ndarray]) -> int:
    """How many rows a batch has."""
    return len(next(iter(inputs.values())))


def _longer(array: np.ndarray, more: int, name: str = "") -> np.ndarray:
    if not more:
        return array
    last = np.repeat(array[-1:], more, axis=0)
    if name.endswith(_WEIGHTS):
        last = np.zeros_like(last)
    return np.concatenate([array, last])
