"""Batches of rows of similar length, so that there is little padding."""

import numpy as np

LENGTH_STEP = 32  # a batch's length is a multiple of it: few shapes to compile for
_WINDOW = 50  # batches within which rows are sorted


def padded_length(longest: int, sequence_length: int) -> int:
    """The longest row's length, rounded up to a multiple of 32, at most `sequence_length`."""
    return min(sequence_length, -(-longest // LENGTH_STEP) * LENGTH_STEP)


def make_batches(
    lengths: np.ndarray,
    batch_size: int,
    generator: np.random.Generator | None,
    *,
    rows_together: int = 1,
) -> list[np.ndarray]:
    """Puts every row into exactly one batch; only one has fewer than `batch_size` rows.

    Args:
        lengths: (rows,) of integers.
        batch_size: rows per batch.
        generator: draws the order: rows are shuffled, sorted by length within windows of 50
            batches, and the batches are shuffled. None: rows are sorted by length and nothing is
            drawn.
        rows_together: each so many rows, from the first one on, stay in one batch and in order.
            The last of these groups may be smaller, and a batch consists of as many as fit.

    Returns:
        The row numbers of each batch; the smaller batch is the last.
    """
    if rows_together > 1:
        longest = np.maximum.reduceat(lengths, np.arange(0, len(lengths), rows_together))
        groups = make_batches(longest, max(1, batch_size // rows_together), generator)
        rows = [group[:, None] * rows_together + np.arange(rows_together) for group in groups]
        return [batch[batch < len(lengths)] for batch in rows]
    if generator is None:
        order = np.argsort(lengths, kind="stable")
    else:
        order = generator.permutation(len(lengths))
        window = _WINDOW * batch_size
        for start in range(0, len(order), window):
            part = order[start : start + window]
            order[start : start + window] = part[np.argsort(lengths[part], kind="stable")]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if generator is None:
        return batches
    full = len(order) // batch_size
    shuffled = [batches[number] for number in generator.permutation(full)]
    return shuffled + batches[full:]


def batches_of_tokens(lengths: np.ndarray, max_tokens: int) -> list[np.ndarray]:
    """Puts every row into exactly one batch, with rows of similar length.

        >>> batches_of_tokens(np.array([3, 9, 2]), 8)
        [array([2, 0]), array([1])]

    Args:
        lengths: (rows,) of integers.
        max_tokens: of a batch with its padding, unless a single row has more.

    Returns:
        The row numbers of each batch, the shortest rows first.
    """
    order = np.argsort(lengths, kind="stable")
    batches: list[np.ndarray] = []
    first = 0
    for end, length in enumerate(lengths[order].tolist(), start=1):
        if end - first > 1 and (end - first) * length > max_tokens:
            batches.append(order[first : end - 1])
            first = end - 1
    return [*batches, order[first:]] if len(order) else []
