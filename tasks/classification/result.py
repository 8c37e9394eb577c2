"""The result for a text: its labels and their probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class LabelProbability:
    """A label and its probability.

    Attributes:
        label: its name.
        probability: from 0 to 1.
        above_threshold: whether the probability reaches the label's threshold. A predicted label
            may be below it: the nearest one where none reaches its threshold, or the most probable
            one where exactly one is predicted.
    """

    label: str
    probability: float
    above_threshold: bool


@dataclass
class Labelling:
    """The labels of a text.

    Attributes:
        labels: the predicted ones, most probable first.
        top: the most probable labels, if requested.
    """

    labels: list[LabelProbability]
    top: list[LabelProbability] | None = None


def labelling(
    names: Sequence[str],
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    decisions: np.ndarray,
    top_k: int = 0,
) -> dict[str, Any]:
    """A `Labelling` as JSON has it; probabilities are rounded to six decimals.

    Args:
        names: of the labels.
        probabilities, thresholds: (labels,) float.
        decisions: (labels,) bool, the predicted labels.
        top_k: how many of the most probable labels to add as "top"; 0: none.
    """

    def entries(labels: np.ndarray) -> list[dict[str, Any]]:
        return [
            {
                "label": names[label],
                "probability": round(float(probabilities[label]), 6),
                "above_threshold": bool(probabilities[label] >= thresholds[label]),
            }
            for label in labels
        ]

    order = np.argsort(-probabilities, kind="stable")
    result = {"labels": entries(order[decisions[order]])}
    if top_k:
        result["top"] = entries(order[:top_k])
    return result
