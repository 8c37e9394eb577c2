"""Batches of questions: rows for each choice."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from common.progress import Progress
from data_util.inputs import Segments
from data_util.labelled.batches import LabelledExamples
from data_util.labelled.text_groups import TokenizedGroups
from tasks.multiple_choice.comparison import compare_choices
from tasks.multiple_choice.rows import EncodedQuestion, encode_question, longest_rows
from tasks.rows import first_rows

_KEPT = 1024


@dataclass(frozen=True, eq=False)
class ComparedChoices:
    """How the choices of some questions compare, one question after the other.

    Attributes:
        features: (choices, features) float32; see `compare_choices`.
        question: (choices,) int, the question of each choice, from 0.
        right: (choices,) bool, one for each question.
    """

    features: np.ndarray
    question: np.ndarray
    right: np.ndarray

    @cached_property
    def _starts(self) -> np.ndarray:
        return first_rows(self.question)

    def of_rows(self, number: int, choice: np.ndarray) -> np.ndarray:
        """The features of the rows of a question, (rows, features), whose choices are given."""
        return self.features[self._starts[number] + choice]

    @classmethod
    def of(cls, groups: TokenizedGroups) -> "ComparedChoices":
        """Compares the choices of all questions."""
        features, right = [], []
        with Progress("comparing choices", len(groups)) as progress:
            for number in range(len(groups)):
                features.append(compare_choices(groups.texts(number)))
                right.append(np.arange(len(features[-1])) == groups.values_of(number)[0])
                progress.advance()
        question = np.repeat(np.arange(len(groups)), [len(each) for each in features])
        return cls(np.concatenate(features), question, np.concatenate(right))


class ChoiceExamples(LabelledExamples):
    """Questions whose texts are tokenized.

    Args:
        groups: for each question its context, the question and its choices; the only value is the
            index of the answer.
        sequence_length: longest sequence.
        max_windows: see `encode_question`.
        with_comparison: whether batches have the features of `compared`, which training does not
            need.
    """

    def __init__(
        self,
        groups: TokenizedGroups,
        sequence_length: int,
        max_windows: int,
        *,
        with_comparison: bool = False,
    ) -> None:
        self._groups, self._with_comparison = groups, with_comparison
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
        """ "choice" (rows,) int32, the choice of each row, and perhaps "comparison"."""
        numbers = examples.tolist()
        choices = [self._encoded(number).choice for number in numbers]
        arrays = {"choice": np.concatenate(choices)}
        if self._with_comparison:
            features = map(self.compared.of_rows, numbers, choices)
            arrays["comparison"] = np.concatenate([*features])
        return arrays

    @cached_property
    def compared(self) -> ComparedChoices:
        """How the choices of all questions compare; computed when it is first asked for."""
        return ComparedChoices.of(self._groups)

    def _encode(self, example: int) -> EncodedQuestion:
        texts = self._groups.texts(example)
        return encode_question(texts, self._sequence_length, self._max_windows)
