"""What a row plan is: it says which slices of a corpus make the sequences of an epoch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from data_util.pretraining.segments import TextSegments


@dataclass(frozen=True, slots=True)
class Rows:
    """Sequences `[CLS] A [SEP] B [SEP]`, or `[CLS] A [SEP]` where `b_length` is 0.

    Attributes:
        a_start, a_length, b_start, b_length: (rows,) int64, slices of the corpus' ids.
        arrays: what a batch gets beside the sequences, by name; the first axis is the row. An
            array whose name ends in "_weights" is 0 where there is nothing to be learned.
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
        """(rows,) int64: tokens in each sequence, [CLS] and each [SEP] included."""
        return self.a_length + self.b_length + 2 + (self.b_length > 0)


class RowPlan(ABC):
    """Packs documents into sequences, anew in every epoch.

    A plan is a file in this folder and a row of `data_util.registry.ROWS`.

    Attributes:
        stream: name of its stream of random numbers.
        reserved_tokens: places in a sequence that are not for text: [CLS] and each [SEP].
        min_token_budget: tokens of text that a sequence must have room for.
    """

    stream: ClassVar[str] = "rows"
    reserved_tokens: ClassVar[int]
    min_token_budget: ClassVar[int] = 1

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
            segments: of the corpus, cut for this token budget.
            documents: (documents,) int64, the numbers of those to use, each once.
            token_budget: tokens of text in a sequence, at most.
            generator: all that is drawn comes from here, so that it decides the rows.
        """

    def warning(self, num_documents: int) -> str | None:
        """Why nothing can be learned from the rows of so many documents; None where it can."""
        return None
