"""From the scores of rows to the probabilities of choices, in Keras' operations."""

from typing import Any

from keras import ops

from models.layers.joined_rows import log_softmax_over_rows, max_over_rows

# Far below every score, and finite.
_NEVER = -1e9


def choice_log_probabilities(scores: Any, example: Any, choice: Any) -> Any:
    """The log-probability of each choice: a softmax over the choices of each question.

    A choice of several rows has the highest of their scores.

    Args:
        scores: (rows,) float.
        example: (rows,) int, the question of each row.
        choice: (rows,) int, its choice; the rows of a choice are adjacent.

    Returns:
        (rows,), of which the first row of each choice has its log-probability.
    """
    changes = ops.logical_or(
        ops.not_equal(example[1:], example[:-1]), ops.not_equal(choice[1:], choice[:-1])
    )
    numbers = ops.pad(ops.cumsum(ops.cast(changes, "int32")), [[1, 0]])
    first = ops.pad(ops.cast(changes, "int32"), [[1, 0]], constant_values=1)
    joined = ops.where(first > 0, max_over_rows(scores, numbers), _NEVER)
    return log_softmax_over_rows(joined, example)
