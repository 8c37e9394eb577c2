"""A question as rows of token ids: one for each choice, or for each choice and window.

A row is `[CLS] context [SEP] question choice [SEP]`; where there is no context, it is
`[CLS] question [SEP] choice [SEP]`. All choices of a question read the same part of the context, as
much as the longest of them leaves room for. The question and the choice are cut only where they do
not fit by themselves: then one token at a time from the longer one, as BERT cuts pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_util.inputs import Segments, token_budget, truncated
from tasks.multiple_choice.comparison import compare_choices
from tasks.rows import max_over_rows
from tasks.windows import windows


@dataclass(frozen=True, eq=False)
class EncodedQuestion:
    """The rows of a question.

    Attributes:
        rows: the two segments of each; the windows of a choice are adjacent.
        choice: (rows,) int32, the choice of each row.
        texts: the token ids of the context, of the question, and of each choice, whole.
    """

    rows: list[Segments]
    choice: np.ndarray
    texts: Sequence[np.ndarray]

    def __len__(self) -> int:
        """The number of tokens of the longest row."""
        return max(sum(map(len, row)) for row in self.rows) - token_budget(0, pairs=True)

    @cached_property
    def comparison(self) -> np.ndarray:
        """(rows, features) float32: how the choice of each row compares; see `compare_choices`."""
        return compare_choices(self.texts)[self.choice]

    @property
    def first_rows(self) -> np.ndarray:
        """(rows,) bool: the first row of each choice."""
        return np.diff(self.choice, prepend=-1) != 0


def encode_question(
    texts: Sequence[np.ndarray], sequence_length: int, max_windows: int = 1
) -> EncodedQuestion:
    """Makes the rows of a question.

    Args:
        texts: the token ids of the context, of the question, and of each choice, int32.
        sequence_length: longest sequence, [CLS] and each [SEP] included.
        max_windows: the most windows into which a context is divided that does not fit; half of
            each window is also in the next one. What lies behind the last window is not read.
    """
    context, question, *choices = texts
    room = token_budget(sequence_length, pairs=True)
    if not len(context):
        rows = [truncated((question, choice), sequence_length) for choice in choices]
        return EncodedQuestion(rows, np.arange(len(choices), dtype=np.int32), texts)
    kept = [np.concatenate(truncated((question, each), sequence_length)) for each in choices]
    size = room - max(map(len, kept))
    parts = [context[:size]]
    if max_windows > 1 and len(context) > size > 1:
        spans = windows(len(context), size, size // 2)[:max_windows]
        parts = [context[start:end] for start, end in spans]
    return EncodedQuestion(
        [(part, choice) for choice in kept for part in parts],
        np.repeat(np.arange(len(kept)), len(parts)).astype(np.int32),
        texts,
    )


def longest_rows(lengths: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The number of tokens in the longest row of each question, before anything is cut.

    Args:
        lengths: (texts,) int, of all texts: the context, the question and the choices of each
            question, one question after the other.
        first: (questions,) int, the index of each question's context.
    """
    shared = lengths[first] + lengths[first + 1]
    choices = lengths.copy()
    choices[first] = choices[first + 1] = 0
    return shared + np.maximum.reduceat(choices, first) - token_budget(0, pairs=True)


def join_windows(scores: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """(rows,) scores of one question to (choices,): the highest of the rows of each choice."""
    return max_over_rows(scores, choice)
