"""What a model says of questions: a probability for each choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.calibration import Calibration
from tasks.data import Batches
from tasks.evaluation import Forward
from tasks.multiple_choice.rows import join_windows
from tasks.reliability import Reliability, reliability
from tasks.rows import first_rows, softmax_over_rows


@dataclass(frozen=True, eq=False)
class Outcome:
    """The scores of the choices of some questions, one question after the other.

    Attributes:
        scores: (choices,) float.
        question: (choices,) int, the question of each choice, from 0.
        right: (choices,) bool, one for each question.
    """

    scores: np.ndarray
    question: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        """The number of questions."""
        return len(self._starts)

    @cached_property
    def _starts(self) -> np.ndarray:
        return first_rows(self.question)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(choices,) float64."""
        return softmax_over_rows(self.scores.astype(np.float64), self.question)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(questions,) int, the number of choices."""
        return np.diff([*self._starts, len(self.question)])

    @cached_property
    def chosen(self) -> np.ndarray:
        """(questions,) int, the most probable choice of each; of equal ones the first."""
        return _first_of_each(self.probabilities == self._repeated(self._highest), self._starts)

    @cached_property
    def answers(self) -> np.ndarray:
        """(questions,) int, the right choice of each."""
        return _first_of_each(self.right, self._starts)

    @property
    def hits(self) -> np.ndarray:
        """(questions,) bool: whether the right choice is the most probable one."""
        return self.chosen == self.answers

    @property
    def losses(self) -> np.ndarray:
        """(questions,) float: the negative log-probability of the right choice."""
        return -np.log(np.maximum(self.probabilities[self.right], np.finfo(float).tiny))

    @cached_property
    def _highest(self) -> np.ndarray:
        return np.maximum.reduceat(self.probabilities, self._starts)

    def _repeated(self, values: np.ndarray) -> np.ndarray:
        return np.repeat(values, self.sizes)

    def of(self, question: int) -> np.ndarray:
        """(choices,) float64: the probabilities of the choices of a question."""
        first = self._starts[question]
        return self.probabilities[first : first + self.sizes[question]]

    def calibrated(self, calibration: Calibration) -> "Outcome":
        """The same questions with other scores."""
        return Outcome(calibration(self.scores), self.question, self.right)

    def reliability(self) -> Reliability:
        """How often the most probable choice is right, by its probability."""
        return reliability(self._highest, self.hits)

    def metrics(self) -> dict[str, float]:
        """ "loss" and "log_loss", "accuracy" and "calibration_error"."""
        loss = float(self.losses.mean())
        return {
            "loss": loss,
            "accuracy": float(self.hits.mean()),
            "log_loss": loss,
            "calibration_error": self.reliability().calibration_error(),
        }

    def worst(self, number: int) -> list[int]:
        """The questions with a wrong choice that have the largest losses, the worst first."""
        wrong = np.flatnonzero(~self.hits)
        return wrong[np.argsort(-self.losses[wrong], kind="stable")[:number]].tolist()


def outcome_of(batches: Batches, forward: Forward) -> Outcome:
    """The outcome of a split, in the order of its questions."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for inputs, targets, outputs in forward(batches):
        example = inputs["example"]
        starts = first_rows(example)
        for first, last in zip(starts, [*starts[1:], len(example)], strict=True):
            choice, scores = inputs["choice"][first:last], outputs[first:last, 0]
            joined = join_windows(scores, choice)
            right = np.asarray(targets)[first:last][first_rows(choice)] > 0
            found[int(example[first])] = joined, right
    scores, right = zip(*(found[number] for number in sorted(found)), strict=True)
    question = np.repeat(np.arange(len(scores)), [len(each) for each in scores])
    return Outcome(np.concatenate(scores), question, np.concatenate(right))


def accuracy_of(choose: Sequence[int] | np.ndarray, outcome: Outcome) -> float:
    """The share of questions for which this choice is the right one."""
    return float(np.mean(np.asarray(choose) == outcome.answers))


def _first_of_each(marked: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(questions,) int: within each question, the first choice that is marked."""
    places = np.where(marked, np.arange(len(marked)), len(marked))
    return np.minimum.reduceat(places, starts) - starts
