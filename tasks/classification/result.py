"""The result for a text: its labels and their probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SEPARATOR = "|"
# Of the most probable predicted label, in a table.
_FIRST = ("label", "probability", "above_threshold")


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


def columns_of(top_k: int = 0) -> list[str]:
    """The columns of a result in a table.

    "label", "probability" and "above_threshold" are of the most probable predicted label, "labels"
    are all predicted ones, with `|` between them; "top_1", "probability_1", ... are the `top_k`
    most probable ones, predicted or not.
    """
    top = [name for rank in range(1, top_k + 1) for name in (f"top_{rank}", f"probability_{rank}")]
    return [*_FIRST, "labels", *top]


def cells_of(result: Mapping[str, Any], top_k: int = 0) -> list[Any]:
    """The values of the columns; None where there is no label."""
    labels, top = result["labels"], result.get("top", [])[:top_k]
    cells: list[Any] = [None] * (len(_FIRST) + 1)
    if labels:
        joined = SEPARATOR.join(entry["label"] for entry in labels)
        cells = [*(labels[0][name] for name in _FIRST), joined]
    for entry in top:
        cells += [entry["label"], entry["probability"]]
    return cells + [None] * (len(_FIRST) + 1 + 2 * top_k - len(cells))
