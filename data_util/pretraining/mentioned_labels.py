"""Which labels the text of each row names, for objectives that predict them."""

import numpy as np

from data_util.pretraining.corpus import PretrainingCorpus

ARRAYS = ("mentioned_labels", "mention_weights")


class MentionedLabels:
    """Makes the arrays `ARRAYS` of a batch.

    Args:
        corpus: whose documents were searched for labels.
    """

    def __init__(self, corpus: PretrainingCorpus) -> None:
        self._ids = np.asarray(corpus.label_ids)
        self._offsets = corpus.label_offsets
        self._num_labels = len(corpus.labels)

    def arrays(self, first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of some rows.

        Args:
            first: (rows,) int64, the document of each row's first segment.
            second: (rows,) int64, that of its second segment, or `first` if it has none.

        Returns:
            `mentioned_labels` (rows, labels) float32, 1 for a label that the document names, and
            `mention_weights` (rows,) float32, 1 where both segments are of one document that names
            a label. All other elements are 0.
        """
        counts = np.where(first == second, np.diff(self._offsets)[first], 0)
        row = np.repeat(np.arange(len(first)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        labels = np.zeros((len(first), self._num_labels), np.float32)
        labels[row, self._ids[self._offsets[first[row]] + within]] = 1
        return dict(zip(ARRAYS, (labels, (counts > 0).astype(np.float32)), strict=True))
