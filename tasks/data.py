"""What a task needs to read labelled files, and the data that it makes of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from common.errors import InputError
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary

if TYPE_CHECKING:
    from data_util.labelled.batches import LabelledBatches, LabelledExamples
    from tasks.base import Task

# The files of each split, by its name.
Files = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of what predict.py reads.

    Attributes:
        number: of the line, from 1.
        record: what a result is wanted for; None if there is nothing to predict from.
        id: by which the input names it; None: by none.
        error: what is wrong with the line, if it cannot be used.
    """

    number: int
    record: Any = None
    id: str | int | None = None
    error: InputError | None = None


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
        return [ids for ids, _ in self.encode_with_tokens(texts)]

    def encode_with_tokens(self, texts: Sequence[str]) -> list[tuple[np.ndarray, tuple[str, ...]]]:
        """The token ids of each text, (tokens,) int32 each, and the tokens, not truncated."""
        if not texts:
            return []
        indexed = self.tokenizer.index(list(texts))
        ids = self.vocabulary.encode(indexed.tokens)[indexed.indices]
        ends = np.cumsum(indexed.lengths).tolist()
        found = []
        for start, end in zip([0, *ends], ends, strict=False):
            chosen = map(indexed.tokens.__getitem__, indexed.indices[start:end].tolist())
            found.append((ids[start:end], tuple(chosen)))
        return found


class Logits(Protocol):
    """What a teacher says of records, perhaps on the disk."""

    def __len__(self) -> int:
        """The number of records."""

    def __getitem__(self, records: np.ndarray) -> np.ndarray:
        """The logits of the records with these numbers, (numbers, labels) float32."""


class Teachers(Protocol):
    """Fine-tuned models whose probabilities another one learns."""

    def __call__(
        self, task: "Task", sources: Sequence[Callable[[], Iterable[Any]]]
    ) -> Sequence[Sequence[Logits]]:
        """Asks each of them about the records of each source.

        Args:
            task: whose labels they must have; their order is that of the logits.
            sources: each gives its records, as often as it is called.

        Returns:
            For each teacher and each source the logits.

        Raises:
            OptionError: a teacher is for another task or for other labels.
            CheckpointError, InputError: it cannot be used.
        """


@dataclass(frozen=True)
class DataSettings:
    """How labelled files are read.

    Attributes:
        tokenizer: splits text into tokens.
        vocabulary: gives tokens their ids; None: it is made from the training examples.
        vocab_size, min_count: of a vocabulary that is made.
        sequence_length: the longest sequence.
        batch_size: examples per batch.
        seed: of the order of the examples.
        cache_folder: where tokenized text is kept.
        processes: how many processes tokenize.
        max_examples: the most examples to read of a split; None: all.
        test_mode: keeps the caches of smoke runs apart.
        reading: the formats of the files.
        teachers: what else than labels examples are learned from; None: nothing. Only tasks with
            the option `--teacher` have any.
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
    reading: Reading = DEFAULT_READING
    teachers: Teachers | None = None

    def batches(
        self, split: str, examples: "LabelledExamples", vocabulary: Vocabulary
    ) -> "LabelledBatches":
        """The examples of a split as batches, those of "train" shuffled."""
        from data_util.labelled.batches import LabelledBatches

        return LabelledBatches(
            examples,
            vocabulary,
            sequence_length=self.sequence_length,
            batch_size=self.batch_size,
            seed=self.seed,
            shuffle=split == "train",
            stream=split,
        )


def places_of(examples: Iterable[Any], wanted: np.ndarray) -> list[str]:
    """The places ("file:line") of some examples, each of which has a `place`, by their indices."""
    chosen = set(wanted.tolist())
    found = (each for number, each in enumerate(examples) if number in chosen)
    return [":".join(map(str, each.place)) for each in found]


class Batches(Protocol):
    """The examples of a split as batches; a function of the seed, the epoch and the step."""

    def __len__(self) -> int:
        """The number of examples."""

    def steps(self, epoch: int) -> int:
        """The number of batches in an epoch."""

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], Any]]:
        """The batches of an epoch, from a step on; both count from 0.

        Yields:
            Inputs and targets. The first axis of every array is the row. The inputs are the
            backbone's ("token_ids", "segment_ids", "padding_mask") and "example" (rows,) int32: the
            index of the row's example in the split. An example may have several rows, which are
            adjacent. Targets are an array, or a dict of arrays.
        """

    def examples(self, epoch: int, step: int) -> np.ndarray:
        """The indices of the examples in a batch."""


@dataclass(frozen=True)
class TaskData:
    """The labelled examples of a run.

    Attributes:
        task: the task that these examples are for.
        text: the tokenizer and the vocabulary that encoded them.
        batches: "train" (shuffled), "valid" and, where there is one, "test".
        train_tokens: (tokens,) int32, every token id of the training examples.
        locate: gives the locations ("file:line") of training examples by their indices.
        weighted: how many of the training examples are no labelled ones, but further ones that have
            a weight.
        remarks: sentences about troubles of the data itself, such as duplicates; for the report.
    """

    task: "Task"
    text: TextEncoder
    batches: Mapping[str, Batches]
    train_tokens: np.ndarray
    locate: Callable[[np.ndarray], list[str]]
    weighted: int = 0
    remarks: Sequence[str] = ()
