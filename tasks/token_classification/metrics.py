"""Precision, recall and F1 of entities: one is right if its label and both of its ends are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.token_classification.tags import Entity


@dataclass(frozen=True)
class Counts:
    """How many entities there are.

    Attributes:
        true, predicted: of the truth and of the prediction.
        right: in both.
    """

    true: int
    predicted: int
    right: int

    @property
    def precision(self) -> float:
        """The share of predicted entities that are right; 0 if there is none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of true entities that are predicted; 0 if there is none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.true + self.predicted
        return 2 * self.right / total if total else 0.0


def counts_by_label(
    truth: Sequence[Iterable[Entity]], predicted: Sequence[Iterable[Entity]]
) -> dict[str, Counts]:
    """Counts the entities of each label.

    Args:
        truth, predicted: the entities of each text.

    Returns:
        The labels in alphabetical order.
    """
    true: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one, other in zip(truth, predicted, strict=True):
        ours, theirs = set(one), set(other)
        for counter, entities in ((true, ours), (found, theirs), (right, ours & theirs)):
            counter.update(entity.label for entity in entities)
    return {
        label: Counts(true[label], found[label], right[label])
        for label in sorted(true.keys() | found.keys())
    }


def entity_metrics(counts: dict[str, Counts]) -> dict[str, float]:
    """The metrics of all entities together, as `seqeval` computes them in its default mode.

    Returns:
        "entity_f1", "precision" and "recall" (micro averages), and "macro_f1", the mean of the
        labels' F1.
    """
    every = counts.values()
    total = Counts(
        sum(each.true for each in every),
        sum(each.predicted for each in every),
        sum(each.right for each in every),
    )
    f1 = [each.f1 for each in every]
    return {
        "entity_f1": total.f1,
        "precision": total.precision,
        "recall": total.recall,
        "macro_f1": float(np.mean(f1)) if f1 else 0.0,
    }


def token_accuracy(truth: Sequence[np.ndarray], predicted: Sequence[np.ndarray]) -> float:
    """The share of units whose tag is right; units without a true tag (-1) do not count."""
    right = total = 0
    for one, other in zip(truth, predicted, strict=True):
        has = one >= 0
        total += int(has.sum())
        right += int((one[has] == other[has]).sum())
    return right / total if total else 0.0
