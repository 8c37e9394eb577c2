"""The answers to the questions of a split, and which of them are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.question_answering.records import Question

RIGHT, PARTLY, ELSEWHERE = "right", "overlapping a right answer", "another part of the passage"
MISSED, INVENTED = "none given where there is one", "given where there is none"
KINDS = (RIGHT, PARTLY, ELSEWHERE, MISSED, INVENTED)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The truth and the answers.

    Attributes:
        questions: of the split.
        answers: the answer to each; None: there is none.
        probabilities: (questions,) float, of these answers.
        exact, f1: (questions,) float, exact match and F1.
        windows: how many windows each passage has.
    """

    questions: Sequence[Question]
    answers: Sequence[str | None]
    probabilities: np.ndarray
    exact: np.ndarray
    f1: np.ndarray
    windows: Sequence[int]

    @property
    def answerable(self) -> np.ndarray:
        """(questions,) bool: whether there is a right answer."""
        return np.array([bool(each.answers) for each in self.questions], bool)

    def kind(self, number: int) -> str:
        """One of `KINDS`."""
        if self.exact[number] == 1:
            return RIGHT
        if self.answers[number] is None:
            return MISSED
        if not self.questions[number].answers:
            return INVENTED
        return PARTLY if self.f1[number] > 0 else ELSEWHERE

    def worst(self, number: int) -> list[int]:
        """The questions with the lowest F1, of those the ones of which the model is most sure."""
        wrong = np.flatnonzero(self.exact < 1)
        order = np.lexsort((-self.probabilities[wrong], self.f1[wrong]))
        return wrong[order[:number]].tolist()

    def entry(self, number: int) -> dict[str, Any]:
        """A line of `test_predictions.jsonl`."""
        question = self.questions[number]
        return {
            "file": question.path,
            "line": question.line,
            "id": question.id,
            "question": question.question,
            "correct": bool(self.exact[number] == 1),
            "f1": round(float(self.f1[number]), 6),
            "true": list(question.answers),
            "predicted": self.answers[number],
            "probability": round(float(self.probabilities[number]), 6),
        }
