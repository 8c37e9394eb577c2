"""Batches of questions: a row for each window of a passage."""

from collections.abc import Sequence

import numpy as np

from data_util.labelled.batches import LabelledExamples
from tasks.question_answering.encoded import EncodedQuestion

# First and last token in the passage.
TokenSpan = tuple[int, int]


class QuestionExamples(LabelledExamples):
    """Questions with the tokens of their answers.

    Args:
        encoded: the questions.
        answers: for each, first and last token in the passage of each place where a right answer
            stands.
        answerable: for each, whether it has an answer, though it may stand nowhere.
    """

    def __init__(
        self,
        encoded: Sequence[EncodedQuestion],
        answers: Sequence[Sequence[TokenSpan]],
        answerable: Sequence[bool],
    ) -> None:
        self._encoded, self._answers, self._answerable = encoded, answers, answerable
        self.lengths = np.array([len(each) for each in encoded], np.int64)

    def rows(self, example: int) -> list[tuple[np.ndarray, ...]]:
        """The question with each window of its passage."""
        return self._encoded[example].rows()

    def targets(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """The answers in each window, as positions in its row.

        In a window that holds no answer it is at [CLS], position 0; one that holds a part of an
        answer alone, or whose question has an answer that stands nowhere, has the weight 0.

        Returns:
            "starts", "ends" (rows, answers) int32, -1 where there are fewer; "row_weights" (rows,)
            float32.
        """
        by_row = [row for number in examples.tolist() for row in self._of_example(number)]
        most = max((len(places) for places, _ in by_row), default=1)
        starts = np.full((len(by_row), most), -1, np.int32)
        ends = starts.copy()
        for row, (places, _) in enumerate(by_row):
            starts[row, : len(places)] = [first for first, _ in places]
            ends[row, : len(places)] = [last for _, last in places]
        weights = np.array([weight for _, weight in by_row], np.float32)
        return {"starts": starts, "ends": ends, "row_weights": weights}

    def _of_example(self, number: int) -> list[tuple[list[TokenSpan], float]]:
        encoded, answers = self._encoded[number], self._answers[number]
        unknown = self._answerable[number] and not answers
        found = []
        for start, end in encoded.windows:
            shift = encoded.offset - start
            places = [
                (first + shift, last + shift)
                for first, last in answers
                if start <= first and last < end
            ]
            cut = any(first < end and last >= start for first, last in answers)
            weight = 0.0 if unknown or (cut and not places) else 1.0
            found.append((places or [(0, 0)], weight))
        return found
