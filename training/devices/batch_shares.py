"""The rows of a batch that one of several processes feeds to its devices."""

from typing import Any

import numpy as np

_WEIGHTS = "_weights"


def pad_rows(batch: Any, multiple: int) -> Any:
    """Adds rows until their number can be divided; what is added is no example.

    No share has a part of an example: where examples have several rows (see "example" below), rows
    are added in between too.

    Args:
        batch: a dict of arrays, or a tuple of such a dict and targets, which are arrays or dicts of
            arrays; the first axis is the row. The rows of an example have the same number in the
            array "example", if there is one; else each row is an example.
        multiple: of which the number of rows is to be a multiple.

    Returns:
        The batch with copies of rows. In a dict, the arrays whose names end in "_weights" are 0 and
        "example" is -1 there; a tuple gets a third entry, (rows,) float32: 0 there and 1 elsewhere.
    """
    inputs = batch[0] if isinstance(batch, tuple) else batch
    source, real = _layout(inputs, multiple)
    padded = _taken(inputs, source, real)
    if not isinstance(batch, tuple):
        return padded
    return (padded, *(_taken(part, source, real) for part in batch[1:]), real.astype(np.float32))


def real_rows(inputs: dict[str, np.ndarray], multiple: int) -> np.ndarray:
    """(rows,) bool: which rows of what `pad_rows` makes of a batch are the batch's own."""
    return _layout(inputs, multiple)[1]


def shard(batch: Any, process: int, processes: int) -> Any:
    """The rows of one process: those of all processes, in their order, are the whole batch.

    Args:
        batch: as `pad_rows` gives it, its rows a multiple of `processes`.
        process: from 0.
        processes: how many there are.
    """
    if processes == 1:
        return batch
    if isinstance(batch, tuple):
        return tuple(shard(part, process, processes) for part in batch)
    if isinstance(batch, dict):
        return {name: shard(array, process, processes) for name, array in batch.items()}
    size = len(batch) // processes
    return batch[process * size : (process + 1) * size]


def batch_size(inputs: dict[str, np.ndarray]) -> int:
    """How many rows a batch has."""
    return len(next(iter(inputs.values())))


def _layout(inputs: dict[str, np.ndarray], multiple: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each row of the larger batch, the row that it is or is a copy of, and whether it is it."""
    rows = batch_size(inputs)
    example = inputs.get("example", np.arange(rows))
    starts = np.flatnonzero(np.concatenate([[True], example[1:] != example[:-1]]))
    sizes = np.diff([*starts, rows])
    size = max(-(-rows // multiple), int(sizes.max()))
    while (shares := _filled(sizes, size))[-1] >= multiple:
        size += 1
    # Each share has its examples' rows, and then copies of the last row before.
    source = np.zeros(size * multiple, np.int64)
    real = np.zeros(size * multiple, bool)
    share_of_row = np.repeat(shares, sizes)
    begins = np.searchsorted(share_of_row, np.arange(multiple))
    places = share_of_row * size + np.arange(rows) - begins[share_of_row]
    source[places], real[places] = np.arange(rows), True
    return np.maximum.accumulate(source), real


def _filled(sizes: np.ndarray, size: int) -> np.ndarray:
    """(examples,): the share of each example, if shares of so many rows are filled in order."""
    shares, share, filled = [], 0, 0
    for rows in sizes:
        if filled + rows > size:
            share, filled = share + 1, 0
        filled += rows
        shares.append(share)
    return np.array(shares)


def _taken(part: Any, source: np.ndarray, real: np.ndarray) -> Any:
    if real.all():
        return part
    if not isinstance(part, dict):
        return part[source]
    taken = {name: array[source] for name, array in part.items()}
    for name, array in taken.items():
        if name == "example":
            array[~real] = -1
        elif name.endswith(_WEIGHTS):
            array[~real] = 0
    return taken
