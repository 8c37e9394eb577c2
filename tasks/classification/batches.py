"""Batches of labelled texts: one row for each example."""

from collections.abc import Iterator

import numpy as np

from data_util.classification_batches import ClassificationBatches
from data_util.labelled_corpus import LabelledCorpus
from data_util.vocabulary import Vocabulary


class LabelBatches:
    """The examples of a split, an epoch at a time; see `tasks.data.Batches`.

    Args:
        corpus: the split's.
        num_labels: the width of the targets.
        vocabulary: the corpus'.
        sequence_length: the longest sequence.
        batch_size: examples in a batch.
        seed: of the order.
        split: its name. "train" is shuffled, the others are in order of length.

    Attributes:
        num_truncated: examples that are longer than a sequence.
    """

    def __init__(
        self,
        corpus: LabelledCorpus,
        num_labels: int,
        vocabulary: Vocabulary,
        *,
        sequence_length: int,
        batch_size: int,
        seed: int,
        split: str,
    ) -> None:
        self._size = len(corpus)
        self._batches = ClassificationBatches(
            corpus,
            num_labels,
            vocabulary,
            sequence_length=sequence_length,
            batch_size=batch_size,
            seed=seed,
            shuffle=split == "train",
            stream=split,
        )
        self.num_truncated = self._batches.n_cut

    def __len__(self) -> int:
        return self._size

    def steps(self, epoch: int) -> int:
        """The number of batches in an epoch: the same in each."""
        return self._batches.steps(epoch)

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The batches of an epoch, from a step on; the last one may be smaller.

        Yields:
            The inputs, and targets (rows, labels) float32: 1 for each label of the example.
        """
        for inputs, targets, examples in self._batches.batches(epoch, first_step):
            yield {**inputs, "example": examples.astype(np.int32)}, targets

    def examples(self, epoch: int, step: int) -> np.ndarray:
        """The numbers of the examples in a batch."""
        return self._batches.documents(epoch, step)
