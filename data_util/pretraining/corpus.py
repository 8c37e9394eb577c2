"""Tokenized free text: documents of sentences of token ids."""

from dataclasses import dataclass, field

import numpy as np

from common.errors import InputError
from common.random_streams import random_generator


@dataclass(frozen=True, slots=True, eq=False)
class PretrainingCorpus:
    """Documents of sentences, in order.

    Attributes:
        ids: (tokens,) int32, all sentences one after another; a read-only memory map of the cache.
        sentence_offsets: (sentences + 1,) int64, sentence s is `ids[offsets[s]:offsets[s + 1]]`.
        document_offsets: (documents + 1,) int64, indices into `sentence_offsets`.
        labels: the labels that were looked for in the text; empty if none were.
        label_ids: int32, document d names the labels `label_ids[offsets[d]:offsets[d + 1]]`.
        label_offsets: (documents + 1,) int64, indices into `label_ids`; (0,) if `labels` is empty.
        word_starts: (tokens,) uint8, 1 for a token that begins a word, otherwise 0; None if it is
            not known.
    """

    ids: np.ndarray
    sentence_offsets: np.ndarray
    document_offsets: np.ndarray
    labels: tuple[str, ...] = ()
    label_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    label_offsets: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    word_starts: np.ndarray | None = None

    @property
    def naming(self) -> int:
        """The number of documents that name at least one label."""
        return int(np.count_nonzero(np.diff(self.label_offsets)))

    def label_frequencies(self, documents: np.ndarray) -> np.ndarray:
        """The fraction of those of the documents that name labels with each label.

        Args:
            documents: (documents,) int64, the indices of those to count.

        Returns:
            (labels,) float64; all 0 if none of them names a label.
        """
        counts = np.diff(self.label_offsets)
        document = np.repeat(np.arange(len(counts)), counts)
        chosen = np.isin(document, documents)
        found = np.bincount(self.label_ids[chosen], minlength=len(self.labels))
        return found / max(1, len(np.unique(document[chosen])))

    def __len__(self) -> int:
        return len(self.document_offsets) - 1


def split_documents(
    corpus: PretrainingCorpus, valid_ratio: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Splits the documents at random into those to learn from and those to validate on.

    Returns:
        Two sorted arrays of document indices, int64, with no document in both and at least one
        in each.

    Raises:
        InputError: there are fewer than two documents.
    """
    if len(corpus) < 2:
        raise InputError(
            f"the text holds {len(corpus)} document(s), but one to learn from and another to "
            "validate on are needed. Each line is a document; if each line is a sentence and a "
            "blank line ends a document, use --line_unit=sentence."
        )
    count = min(max(round(valid_ratio * len(corpus)), 1), len(corpus) - 1)
    order = random_generator(seed, "split documents").permutation(len(corpus))
    return np.sort(order[count:]), np.sort(order[:count])
