"""A question and its passage as the model reads them: one row for each window of the passage."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_util.inputs import Segments, token_budget
from tasks.data import TextEncoder
from tasks.windows import Span, owners, windows


@dataclass(frozen=True)
class WindowSettings:
    """How a passage is divided; see `tasks.question_answering.options`.

    Attributes:
        window_overlap: tokens that two neighbouring windows have in common, at most half of one.
        max_question_tokens: tokens of a question that are read, at most half of a sequence.
    """

    window_overlap: int = 128
    max_question_tokens: int = 64


@dataclass(frozen=True, eq=False)
class EncodedQuestion:
    """A question and its passage.

    The rows are `[CLS] question [SEP] window [SEP]`.

    Attributes:
        question: (tokens,) int32, what is read of the question.
        context: (tokens,) int32, the whole passage.
        spans: (tokens, 2) int64, of the passage's tokens: first character, one past the last.
        text: the passage.
        windows: first token of each window, one past the last.
    """

    question: np.ndarray
    context: np.ndarray
    spans: np.ndarray
    text: str
    windows: Sequence[Span]

    def __len__(self) -> int:
        """The number of tokens in the longest row."""
        return self.offset + 1 + max(end - start for start, end in self.windows)

    @property
    def offset(self) -> int:
        """The position of a window's first token in its row."""
        return len(self.question) + 2

    @cached_property
    def owners(self) -> np.ndarray:
        """(tokens,) int64: the window that decides whether an answer begins at a token."""
        return owners(self.windows)

    def rows(self) -> list[Segments]:
        """The question and a window, for each window."""
        return [(self.question, self.context[start:end]) for start, end in self.windows]

    def tokens_of(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and the last token of a part of the passage; None if no token is in it.

        Args:
            start, end: the part's first character, one past its last.
        """
        first = int(np.searchsorted(self.spans[:, 1], start, side="right"))
        last = int(np.searchsorted(self.spans[:, 0], end, side="left")) - 1
        return (first, last) if first <= last else None

    def characters_of(self, first: int, last: int) -> tuple[int, int]:
        """The first character of a part of the passage, one past its last.

        Args:
            first, last: the first and the last token.
        """
        return int(self.spans[first, 0]), int(self.spans[last, 1])


def encode_questions(
    records: Sequence[tuple[str, str]], text: TextEncoder, settings: WindowSettings
) -> list[EncodedQuestion]:
    """Encodes questions; a passage that several of them share is tokenized once.

    Args:
        records: question and passage of each.
        text: the tokenizer, the vocabulary and the longest sequence.
        settings: how passages are divided.
    """
    contexts = list(dict.fromkeys(context for _, context in records))
    passages = {}
    for context, ids in zip(contexts, text.encode(contexts), strict=True):
        spans = np.array(text.tokenizer.spans(context), np.int64).reshape(-1, 2)
        passages[context] = ids, spans
    questions = text.encode([question for question, _ in records])
    budget = token_budget(text.sequence_length, pairs=True)
    found = []
    for (_, context), question in zip(records, questions, strict=True):
        ids, spans = passages[context]
        question = question[: min(settings.max_question_tokens, budget // 2)]
        room = budget - len(question)
        divided = windows(len(ids), room, min(settings.window_overlap, room // 2))
        found.append(EncodedQuestion(question, ids, spans, context, divided))
    return found
