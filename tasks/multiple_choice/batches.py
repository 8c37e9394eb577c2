"""Batches of questions: rows for each choice."""

from functools import lru_cache

import numpy as np

from data_util.inputs import Segments
from data_util.labelled.batches import LabelledExamples
from data_util.labelled.text_groups import TokenizedGroups
from tasks.multiple_choice.rows import EncodedQuestion, encode_question, longest_rows

_KEPT = 1024


class ChoiceExamples(LabelledExamples):
    """Questions whose texts are tokenized.

    Args:
        groups: for each question its context, the question and its choices; the only value is the
            index of the answer.
        sequence_length: longest sequence.
        max_windows: see `encode_question`.
    """

    def __init__(self, groups: TokenizedGroups, sequence_length: int, max_windows: int) -> None:
        self._groups = groups
        self._sequence_length, self._max_windows = sequence_length, max_windows
        # A batch asks three times for its examples.
        self._encoded = lru_cache(_KEPT)(self._encode)
        self.lengths = longest_rows(groups.text_lengths, groups.example_offsets[:-1])

    def rows(self, example: int) -> list[Segments]:
        """The choices, or the windows of each."""
        return self._encoded(example).rows

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows,) float32: 1 at the first row of the right choice of each question."""
        found = []
        for example in examples.tolist():
            encoded = self._encoded(example)
            right = encoded.choice == self._groups.values_of(example)[0]
            found.append(encoded.first_rows & right)
        return np.concatenate(found).astype(np.float32)

    def arrays(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """ "choice" (rows,) int32: the choice that each row belongs to."""
        encoded = [self._encoded(example).choice for example in examples.tolist()]
        return {"choice": np.concatenate(encoded)}

    def _encode(self, example: int) -> EncodedQuestion:
        texts = self._groups.texts(example)
        return encode_question(texts, self._sequence_length, self._max_windows)
