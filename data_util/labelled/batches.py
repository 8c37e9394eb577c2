"""Batches of labelled examples, for training and for evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from common.random_streams import random_generator
from data_util.bucketing import make_batches
from data_util.inputs import Segments, rows_to_inputs
from data_util.tokens.vocabulary import Vocabulary


class LabelledExamples(ABC):
    """The labelled examples of a task: the rows of each, and their targets.

    Attributes:
        lengths: (examples,) int64, the number of tokens in each example's longest row before
            truncation, including [CLS] and each [SEP]. Examples of similar length share a batch.
    """

    lengths: np.ndarray

    @abstractmethod
    def rows(self, example: int) -> Sequence[Segments]:
        """The rows of an example, one or more: the token ids of the segments of each.

        Either all rows of a task have one segment, or all have two.
        """

    @abstractmethod
    def targets(self, examples: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """The targets of the rows of the given examples, (rows, ...)."""

    def arrays(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """Further inputs of the rows of the given examples, by name, (rows, ...) each."""
        return {}


class LabelledBatches:
    """Batches of labelled examples; each example comes once per epoch.

    The order is a function of (seed, stream, epoch); with `shuffle=False` it is by length, the
    same in every epoch.

    Args:
        examples: of the task.
        vocabulary: of the token ids.
        sequence_length: longest sequence, including [CLS] and each [SEP].
        batch_size: examples in a batch.
        seed: of the order.
        shuffle: False for evaluation.
        stream: name of the random streams.

    Attributes:
        num_truncated: number of examples with a row that is truncated.
    """

    def __init__(
        self,
        examples: LabelledExamples,
        vocabulary: Vocabulary,
        *,
        sequence_length: int,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        stream: str = "train",
    ) -> None:
        self._examples = examples
        self._vocabulary = vocabulary
        self._sequence_length = sequence_length
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._stream = stream
        self._lengths = np.minimum(examples.lengths, sequence_length)
        self.num_truncated = int((examples.lengths > sequence_length).sum())

    def __len__(self) -> int:
        """The number of examples."""
        return len(self._lengths)

    def steps(self, epoch: int) -> int:
        """The number of batches in an epoch (the same in each)."""
        return -(-len(self._lengths) // self._batch_size)

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray | dict[str, np.ndarray]]]:
        """The batches of an epoch from `first_step` on; the last may be smaller.

        Yields:
            The inputs (see `data_util.inputs.rows_to_inputs`) with "example" (rows,) int32, the
            index of the example that each row belongs to; and the targets of the rows.
        """
        for chosen in self._order(epoch)[first_step:]:
            yield self._inputs(chosen), self._examples.targets(chosen)

    def examples(self, epoch: int, step: int) -> np.ndarray:
        """The indices of the examples in a batch, (examples,) int64."""
        return self._order(epoch)[step]

    def _order(self, epoch: int) -> list[np.ndarray]:
        generator = random_generator(self._seed, f"{self._stream} order", epoch)
        return make_batches(self._lengths, self._batch_size, generator if self._shuffle else None)

    def _inputs(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        by_example = [self._examples.rows(number) for number in chosen.tolist()]
        rows = [row for rows in by_example for row in rows]
        counts = [len(rows) for rows in by_example]
        return {
            **rows_to_inputs(rows, self._vocabulary, self._sequence_length),
            "example": np.repeat(chosen.astype(np.int32), counts),
            **self._examples.arrays(chosen),
        }
