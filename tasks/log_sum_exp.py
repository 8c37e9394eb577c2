"""SciPy's `logsumexp` for what must run without SciPy, as an exported model does."""

from typing import Any

import numpy as np


def log_sum_exp(scores: np.ndarray, axis: int | None = -1) -> Any:
    """The logarithm of the sum of the exponentials along an axis; None: of all of them.

    >>> round(float(log_sum_exp(np.log([1.0, 2.0, 0.5]))), 6) == round(float(np.log(3.5)), 6)
    True

    Args:
        scores: float, some of which may be minus infinity, but not all along the axis.
        axis: the axis.
    """
    largest = scores.max(axis=axis, keepdims=True)
    sums = np.log(np.exp(scores - largest).sum(axis=axis, keepdims=True))
    return np.squeeze(largest + sums, axis=axis)
