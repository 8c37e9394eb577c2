"""The mean of a loss over what it was computed for."""

from collections.abc import Callable
from typing import Any

from keras import ops


def weighted_mean(
    values: Any, weights: Any = None, over_replicas: Callable[[Any], Any] | None = None
) -> Any:
    """`sum(values * weights) / sum(weights)`, 0 where no weight is above 0.

    Args:
        values: losses, any shape.
        weights: the same shape; all 1 where it is None.
        over_replicas: adds up a number over the replicas that share a batch; None: there is one.
            A replica's result is then its part of the mean over the whole batch: the parts of
            all replicas add up to it, and so do their gradients.

    Returns:
        A float32 scalar.
    """
    values = ops.cast(values, "float32")
    weights = ops.ones_like(values) if weights is None else ops.cast(weights, "float32")
    total = ops.sum(weights)
    if over_replicas is not None:
        # Means of replicas would count the targets of one that has few for more.
        total = over_replicas(total)
    return ops.divide_no_nan(ops.sum(values * weights), total)
