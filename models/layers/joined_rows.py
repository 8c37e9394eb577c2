"""Reductions over the rows of one example, in Keras operations.

An example may have several rows in a batch: the windows of a long text, or the choices of a
question. They are adjacent, and have the same number in `example` (rows,) int. `tasks.rows` has
the same functions for NumPy.
"""

from typing import Any

from keras import ops


def max_over_rows(values: Any, example: Any) -> Any:
    """Replaces each value by the maximum over the rows of its example.

    Args:
        values: (rows, ...) float.
        example: (rows,) int.

    Returns:
        (rows, ...), equal in all rows of an example.
    """
    groups = _groups(example)
    largest = ops.segment_max(values, groups, num_segments=ops.shape(values)[0])
    return ops.take(largest, groups, axis=0)


def log_softmax_over_rows(logits: Any, example: Any) -> Any:
    """Computes the log-softmax over the rows of each example.

    Args:
        logits: (rows,) float.
        example: (rows,) int.

    Returns:
        (rows,).
    """
    groups = _groups(example)
    # The maximum is subtracted so that no exponential overflows; it and its gradient cancel out.
    shifted = logits - ops.stop_gradient(max_over_rows(logits, example))
    totals = ops.segment_sum(ops.exp(shifted), groups, num_segments=ops.shape(logits)[0])
    return shifted - ops.log(ops.take(totals, groups, axis=0))


def _groups(example: Any) -> Any:
    """Numbers the examples of the batch consecutively from 0, (rows,) int32."""
    changes = ops.cast(ops.not_equal(example[1:], example[:-1]), "int32")
    return ops.pad(ops.cumsum(changes), [[1, 0]])
