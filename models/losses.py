"""The mean of a loss over what it was computed for."""

from typing import Any

import keras


class _WeightedMean(keras.losses.Loss):
    """Passes values through, so that Keras reduces them: also over a strategy's replicas."""

    def __init__(self) -> None:
        super().__init__("weighted_mean", reduction="mean_with_sample_weight", dtype="float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_pred


def weighted_mean(values: Any, weights: Any = None) -> Any:
    """`sum(values * weights) / sum(weights)`, 0 where no weight is above 0.

    Args:
        values: losses, any shape.
        weights: the same shape; all 1 where it is None.

    Returns:
        A float32 scalar.
    """
    return _WeightedMean()(values, values, sample_weight=weights)
