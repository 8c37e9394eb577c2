"""Windows over a text that is longer than the model reads at once, and which of them answers where.

Pure NumPy; for every task that gives something for each position of a text.
"""

from collections.abc import Sequence

import numpy as np

# Its first position, and one past its last.
Span = tuple[int, int]


def windows(length: int, size: int, overlap: int) -> list[Span]:
    """The windows that cover a text, in order.

    Each has `size` positions, `overlap` of which are also in the next one. The last window is moved
    back so that it is as long as the others, because a position is read better with more around
    it. A text that fits into a window has one, and so has an empty text.

        >>> windows(9, 4, 2)
        [(0, 4), (2, 6), (4, 8), (5, 9)]

    Args:
        length: the number of positions, 0 or more.
        size: the most positions of a window, 1 or more.
        overlap: what two neighbours have in common at least, from 0 to `size - 1`.

    Raises:
        ValueError: the numbers are outside of these ranges.
    """
    if length < 0 or not 0 <= overlap < size:
        raise ValueError(f"windows({length}, {size}, {overlap}): 0 <= overlap < size is needed")
    starts = range(0, max(length - overlap, 1), size - overlap)
    return [(max(min(start, length - size), 0), min(start + size, length)) for start in starts]


def owners(spans: Sequence[Span]) -> np.ndarray:
    """The window that answers for each position: the one in which most is around it.

    That is the window in which the position is farthest from the nearest edge. The two ends of the
    text are no edges, since nothing is cut off there. Of two windows that are as good, the
    earlier one answers. (BERT calls it "max context" in `run_squad.py`, where the ends count as
    edges.)

        >>> owners([(0, 4), (2, 6)])
        array([0, 0, 0, 1, 1, 1])

    Args:
        spans: the windows, in order, as `windows` gives them: they cover the text without a gap.

    Returns:
        (length,) int64, the index of a window.
    """
    length = max((end for _, end in spans), default=0)
    farthest = np.full(length, -1.0)
    found = np.zeros(length, np.int64)
    for number, (start, end) in enumerate(spans):
        positions = np.arange(start, end)
        before = positions - start if start > 0 else np.full(end - start, np.inf)
        after = end - 1 - positions if end < length else np.full(end - start, np.inf)
        distance = np.minimum(before, after)
        better = distance > farthest[start:end]
        farthest[start:end][better] = distance[better]
        found[start:end][better] = number
    return found
