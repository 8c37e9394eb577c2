"""What a classifier decided for the examples of a split, and which of its decisions are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Confusion:
    """A label that was missed and one that was wrongly predicted, in so many examples.

    Attributes:
        missed: the true label; None: in these examples none was missed.
        predicted: the wrong label; None: in these examples none was wrong.
        count: the number of examples.
    """

    missed: int | None
    predicted: int | None
    count: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """The truth and the decisions.

    Attributes:
        labels: of the columns; those that the model does not know come last.
        targets: (examples, labels) bool.
        probabilities: (examples, labels) float; 0 for a label that the model does not know.
        decisions: (examples, labels) bool.
        losses: (examples,) float.
    """

    labels: Sequence[str]
    targets: np.ndarray
    probabilities: np.ndarray
    decisions: np.ndarray
    losses: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def missed(self) -> np.ndarray:
        """(examples, labels) bool: true labels that were not predicted."""
        return self.targets & ~self.decisions

    @cached_property
    def added(self) -> np.ndarray:
        """(examples, labels) bool: predicted labels that are not true."""
        return self.decisions & ~self.targets

    @property
    def is_wrong(self) -> np.ndarray:
        """(examples,) bool: whether a label was missed or wrongly predicted."""
        return (self.targets != self.decisions).any(axis=1)

    def worst(self, number: int) -> list[int]:
        """The examples with a wrong decision that have the largest losses, the worst first."""
        wrong = np.flatnonzero(self.is_wrong)
        order = np.argsort(-self.losses[wrong], kind="stable")
        return wrong[order[:number]].tolist()

    def main_error(self, example: int, known: int) -> tuple[int | None, int | None]:
        """The most probable wrong label of an example, and the most probable missed one.

        Args:
            example: its number.
            known: how many labels the model knows; others are not considered.
        """
        found = []
        for wrong in (self.added[example], self.missed[example]):
            labels = np.flatnonzero(wrong[:known])
            order = self.probabilities[example, labels]
            found.append(int(labels[order.argmax()]) if len(labels) else None)
        return found[0], found[1]

    def confusions(self) -> list[Confusion]:
        """Which label was predicted in place of which, the most frequent first.

        An example in which several labels were missed, or several were wrong, counts for each pair
        of one of these and one of those.
        """
        missed, added = csr_matrix(self.missed, dtype=np.int64), csr_matrix(self.added, dtype=int)
        pairs = (missed.T @ added).tocoo()
        found = [
            Confusion(int(one), int(other), int(count))
            for one, other, count in zip(pairs.row, pairs.col, pairs.data, strict=True)
        ]
        only_missed = self.missed[~self.added.any(axis=1)].sum(axis=0)
        only_added = self.added[~self.missed.any(axis=1)].sum(axis=0)
        found += [Confusion(int(i), None, int(only_missed[i])) for i in np.flatnonzero(only_missed)]
        found += [Confusion(None, int(i), int(only_added[i])) for i in np.flatnonzero(only_added)]
        return sorted(found, key=lambda each: -each.count)

    def most_errors(self, number: int) -> list[int]:
        """The labels that were most often missed or wrongly predicted, those of no error left out.

        Args:
            number: the most labels to return.
        """
        errors = (self.targets != self.decisions).sum(axis=0)
        order = np.argsort(-errors, kind="stable")[:number]
        return order[errors[order] > 0].tolist()
