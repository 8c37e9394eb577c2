"""Divides the rows of a batch among devices and processes."""

from typing import Any

import numpy as np

_WEIGHTS = "_weights"


def pad_rows(batch: Any, multiple: int) -> Any:
    """Pads a batch with rows that do not count, so that it splits into equal shards.

    An example never crosses the boundary of a shard. Where examples have several rows (see
    "example" below), padding may therefore be needed at the end of any shard.

    Args:
        batch: a dict of arrays, or a tuple of such a dict and targets, which are arrays or dicts of
            arrays; the first axis is the row. Rows of the same example have the same number in the
            array "example"; without this array, each row is an example.
        multiple: the number of shards.

    Returns:
        The batch, whose number of rows is a multiple of `multiple`. Padding rows are copies of
        other rows, except that arrays of a dict whose names end in "_weights" are 0 and "example"
        is -1. A tuple gets a third entry, weights (rows,) float32: 0 for padding rows, otherwise 1.
    """
    inputs = batch[0] if isinstance(batch, tuple) else batch
    source, real = _layout(inputs, multiple)
    padded = _taken(inputs, source, real)
    if not isinstance(batch, tuple):
        return padded
    return (padded, *(_taken(part, source, real) for part in batch[1:]), real.astype(np.float32))


def real_rows(inputs: dict[str, np.ndarray], multiple: int) -> np.ndarray:
    """Tells the rows of a batch from the padding rows that `pad_rows` adds.

    Args:
        inputs: the batch before padding.
        multiple: as in `pad_rows`.

    Returns:
        (padded rows,) bool, False for padding rows.
    """
    return _layout(inputs, multiple)[1]


def shard(batch: Any, process: int, processes: int) -> Any:
    """The rows of one process; those of all processes, in order, make up the whole batch.

    Args:
        batch: as returned by `pad_rows`; the number of rows is a multiple of `processes`.
        process: the number of the process, from 0.
        processes: the number of processes.
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
    """The number of rows of a batch."""
    return len(next(iter(inputs.values())))


def _layout(inputs: dict[str, np.ndarray], multiple: int) -> tuple[np.ndarray, np.ndarray]:
    """For each row of the padded batch: the row it is copied from, and whether it is that row."""
    rows = batch_size(inputs)
    example = inputs.get("example", np.arange(rows))
    starts = np.flatnonzero(np.concatenate([[True], example[1:] != example[:-1]]))
    sizes = np.diff([*starts, rows])
    size = max(-(-rows // multiple), int(sizes.max()))
    while (shares := _filled(sizes, size))[-1] >= multiple:
        size += 1
    # Each shard has the rows of its examples, followed by copies of the last row before them.
    source = np.zeros(size * multiple, np.int64)
    real = np.zeros(size * multiple, bool)
    share_of_row = np.repeat(shares, sizes)
    begins = np.searchsorted(share_of_row, np.arange(multiple))
    places = share_of_row * size + np.arange(rows) - begins[share_of_row]
    source[places], real[places] = np.arange(rows), True
    return np.maximum.accumulate(source), real


def _filled(sizes: np.ndarray, size: int) -> np.ndarray:
    """The shard of each example, (examples,), if shards of `size` rows are filled in order."""
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
