"""Values joined over the rows of one example, in Keras' operations.

An example may have several rows in a batch: the windows of a long text, the choices of a question.
They stand next to each other, and `example` (rows,) int has the same number in all of them.
`tasks.rows` has the same in NumPy.
"""

from typing import Any

from keras import ops


def max_over_rows(values: Any, example: Any) -> Any:
    """The largest value of the row's example.

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
    """Log-probabilities: over the rows of an example, the probabilities add up to 1.

    Args:
        logits: (rows,) float.
        example: (rows,) int.

    Returns:
        (rows,).
    """
    groups = _groups(example)
    # Subtracted so that no exponential overflows; it cancels out, and so does its gradient.
    shifted = logits - ops.stop_gradient(max_over_rows(logits, example))
    totals = ops.segment_sum(ops.exp(shifted), groups, num_segments=ops.shape(logits)[0])
    return shifted - ops.log(ops.take(totals, groups, axis=0))


def _groups(example: Any) -> Any:
    """(rows,) int32: numbers of the examples in the batch, from 0, without gaps."""
    changes = ops.cast(ops.not_equal(example[1:], example[:-1]), "int32")
    return ops.pad(ops.cumsum(changes), [[1, 0]])
