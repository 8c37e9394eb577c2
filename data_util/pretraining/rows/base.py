"""The contract of a row plan: which slices of a corpus make the sequences of an epoch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from data_util.pretraining.segments import TextSegments


@dataclass(frozen=True, slots=True)
class Rows:
    """Sequences `[CLS] A [SEP] B [SEP]`, or `[CLS] A [SEP]` if `b_length` is 0.

    Attributes:
        a_start, a_length, b_start, b_length: (rows,) int64, slices of the corpus' ids.
        arrays: further arrays of a batch, by name; the first axis is the row. An array whose name
            ends in "_weights" is 0 where there is nothing to learn.
    """

    a_start: np.ndarray
    a_length: np.ndarray
    b_start: np.ndarray
    b_length: np.ndarray
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.a_start)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) int64: tokens in each sequence, including [CLS] and each [SEP]."""
        return self.a_length + self.b_length + 2 + (self.b_length > 0)


class RowPlan(ABC):
    """Packs documents into sequences, anew in every epoch.

    A plan is a file in this folder and an entry of `data_util.registry.ROWS`.

    Attributes:
        stream: name of its stream of random numbers.
        reserved_tokens: how many positions of a sequence are not text: [CLS] and each [SEP].
        min_token_budget: how many tokens of text must at least fit into a sequence.
        rows_together: each so many rows, from the first one on, stay in one batch and in order.
    """

    stream: ClassVar[str] = "rows"
    reserved_tokens: ClassVar[int]
    min_token_budget: ClassVar[int] = 1
    rows_together: ClassVar[int] = 1

    @abstractmethod
    def plan(
        self,
        segments: TextSegments,
        documents: np.ndarray,
        token_budget: int,
        generator: np.random.Generator,
    ) -> Rows:
        """The sequences of one epoch.

        Args:
            segments: of the corpus, split for this token budget.
            documents: (documents,) int64, the indices of those to use, each once.
            token_budget: the most tokens of text in a sequence.
            generator: the source of all randomness; it determines the rows.
        """

    def warning(self, num_documents: int, most_segments: int = 2) -> str | None:
        """Why nothing can be learned from the rows; None if it can.

        Args:
            num_documents: the number of documents.
            most_segments: the number of segments of the document that has most of them.
        """
        return None
