"""What a task is given to read labelled files with, and what it makes of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tasks.base import Task

# The files of each split, by its name.
Files = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class TextEncoder:
    """Text to token ids, as one model reads it.

    Attributes:
        tokenizer, vocabulary: the model's.
        sequence_length: the longest sequence, [CLS] and each [SEP] included.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    sequence_length: int

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The token ids of each text, (tokens,) int32 each, not truncated."""
        if not texts:
            return []
        indexed = self.tokenizer.index(list(texts))
        ids = self.vocabulary.encode(indexed.tokens)[indexed.indices]
        return np.split(ids, np.cumsum(indexed.lengths)[:-1])


@dataclass(frozen=True)
class DataSettings:
    """How labelled files are read.

    Attributes:
        tokenizer: splits the text.
        vocabulary: numbers the tokens; None: it is made from the training examples.
        vocab_size, min_count: of a vocabulary that is made.
        sequence_length: the longest sequence.
        batch_size: examples in a batch.
        seed: of the order of the examples.
        cache_folder: where tokenized text is kept.
        processes: that tokenize.
        max_examples: read no more of a split; None: all.
        test_mode: keeps the caches of smoke runs apart.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary | None
    vocab_size: int
    min_count: int
    sequence_length: int
    batch_size: int
    seed: int
    cache_folder: Path
    processes: int = 1
    max_examples: int | None = None
    test_mode: bool = False


class Batches(Protocol):
    """The examples of a split as batches; a function of the seed, the epoch and the step."""

    def __len__(self) -> int:
        """The number of examples."""

    def steps(self, epoch: int) -> int:
        """The number of batches in an epoch."""

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], Any]]:
        """The batches of an epoch (from 0), from a step (from 0) on.

        Yields:
            Inputs and targets. Every array has the rows of the batch as its first axis. The inputs
            are the backbone's ("token_ids", "segment_ids", "padding_mask") and "example" (rows,)
            int32: the number of the row's example in the split. An example may have several rows,
            which then stand next to each other. Targets are an array, or a dict of arrays.
        """

    def examples(self, epoch: int, step: int) -> np.ndarray:
        """The numbers of the examples in a batch."""


@dataclass(frozen=True)
class TaskData:
    """The labelled examples of a run.

    Attributes:
        task: the task, which knows what these examples are.
        text: the tokenizer and the vocabulary that encoded them.
        batches: "train" (shuffled), "valid" and, where there is one, "test".
        train_tokens: (tokens,) int32, every token id of the training examples.
        locate: where training examples stand ("file:line"), by their numbers.
    """

    task: "Task"
    text: TextEncoder
    batches: Mapping[str, Batches]
    train_tokens: np.ndarray
    locate: Callable[[np.ndarray], list[str]]
