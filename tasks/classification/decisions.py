"""From the logits of labels to the results that a person gets."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from common.errors import OptionError
from tasks.base import Encoded, Task
from tasks.classification.result import Labelling, cells_of, columns_of, labelling
from tasks.classification.threshold_file import read_thresholds

# Where log-odds would be infinite.
_LEAST, _MOST = np.finfo(np.float64).tiny, 1 - 1e-12


class LabelDecisions(Task):
    """The part of a classification task that decides which labels a record gets.

    Args:
        labels: in the order of the outputs.
        threshold: a fixed threshold for all labels, or one for each, (labels,) with NaN where
            validation chooses it; None: validation chooses all.
        at_least_one: whether the label nearest to its threshold is predicted where none reaches it.

    Attributes:
        exclusive: whether exactly one label is predicted, whatever the thresholds.
        given_thresholds: (labels,) float, NaN where validation chooses the threshold.
        thresholds: (labels,) float, the probability from which each label is predicted: those of
            the best validation so far, or of the checkpoint.
        at_least_one: as given.
    """

    result_type = Labelling
    exclusive: ClassVar[bool]

    def __init__(
        self,
        labels: Sequence[str],
        threshold: float | np.ndarray | None = None,
        *,
        at_least_one: bool = True,
    ) -> None:
        self._labels = tuple(labels)
        self.at_least_one = at_least_one
        self.given_thresholds = np.full(len(labels), np.nan if threshold is None else threshold)
        self.thresholds = np.where(np.isnan(self.given_thresholds), 0.5, self.given_thresholds)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the outputs."""
        return self._labels

    def use_decision(
        self,
        threshold: float | None = None,
        threshold_file: str = "",
        at_least_one: bool | None = None,
    ) -> None:
        """See `Task.use_decision`; labels that the file does not name have the threshold given."""
        if threshold is not None:
            self.thresholds = np.full(len(self._labels), threshold)
        given = read_thresholds(threshold_file, self.labels)
        self.thresholds = np.where(np.isnan(given), self.thresholds, given)
        if at_least_one is not None:
            self.check_at_least_one(at_least_one)
            self.at_least_one = at_least_one

    @classmethod
    def check_at_least_one(cls, at_least_one: bool | None) -> None:
        """Raises an OptionError if results of this task cannot be empty."""
        if cls.exclusive and at_least_one is False:
            raise OptionError(
                f"--at_least_one=false: {cls.name} gives each example exactly one label."
            )

    def decide(self, probabilities: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """The predicted labels, (examples, labels) bool; see the function `decide`.

        Args:
            probabilities: (examples, labels) float.
            thresholds: (labels,) float; default: those of the task.
        """
        return decide(
            probabilities,
            self.thresholds if thresholds is None else thresholds,
            exclusive=self.exclusive,
            at_least_one=self.at_least_one,
        )

    def results(
        self, encoded: Sequence[Encoded], outputs: Sequence[np.ndarray], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """{"labels": [{"label", "probability", "above_threshold"}...]}, most probable first.

        With `top_k`, "top" has the `top_k` most probable labels, whether predicted or not.
        """
        if not outputs:
            return []
        probabilities = self.probabilities(np.concatenate(outputs))
        return [
            labelling(self.labels, one, self.thresholds, decided, top_k)
            for one, decided in zip(probabilities, self.decide(probabilities), strict=True)
        ]

    def empty_result(self) -> dict[str, Any]:
        """No labels."""
        return {"labels": []}

    columns = staticmethod(columns_of)
    cells = staticmethod(cells_of)

    def known_labels(self) -> list[dict[str, Any]]:
        """The labels, each with its threshold."""
        return [
            {"label": label, "threshold": float(threshold)}
            for label, threshold in zip(self.labels, self.thresholds, strict=True)
        ]


def decide(
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    *,
    exclusive: bool = False,
    at_least_one: bool = True,
) -> np.ndarray:
    """Which labels an example gets: those that reach their threshold, or else the nearest to it.

    The nearest to its threshold is the label whose odds are the highest relative to the odds of the
    threshold: with equal thresholds, the most probable one.

    Args:
        probabilities: (examples, labels) float.
        thresholds: (labels,) float.
        exclusive: whether only the most probable label is predicted, whatever the thresholds.
        at_least_one: whether an example of which no label reaches its threshold gets the nearest;
            otherwise it gets none.

    Returns:
        (examples, labels) bool; at least one True in each row, unless `at_least_one` is false.
    """
    decisions = (probabilities >= thresholds) & (not exclusive)
    if not (exclusive or at_least_one):
        return decisions
    undecided = ~decisions.any(axis=1)
    relative = probabilities[undecided]
    if not exclusive:
        relative = _log_odds(relative) - _log_odds(thresholds)
    decisions[undecided, relative.argmax(axis=1)] = True
    return decisions


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    inside = np.clip(np.asarray(probabilities, np.float64), _LEAST, _MOST)
    return np.log(inside) - np.log1p(-inside)
