"""Weights of examples with which rare labels count as much as frequent ones."""

import numpy as np


def balanced_weights(targets: np.ndarray) -> np.ndarray:
    """Weights of training examples with which all labels count alike, with a mean of 1.

    The weight of a label is examples / (labels * examples with the label), as scikit-learn's
    `class_weight="balanced"` has it; that of an example is the mean of its labels' weights, and one
    without labels counts as an example of one more label.

    Args:
        targets: (examples, labels) bool.

    Returns:
        (examples,) float.
    """
    none = ~targets.any(axis=1, keepdims=True)
    classes = np.hstack([targets, none]) if none.any() else targets
    weights = 1 / np.maximum(classes.sum(axis=0), 1)
    each = (classes * weights).sum(axis=1) / classes.sum(axis=1)
    return each / each.mean()
