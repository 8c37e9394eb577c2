"""Tokenized documents, or pairs of texts, with their labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCorpus:
    """Documents in the order of their files.

    Attributes:
        ids: (tokens,) int32, all documents one after another; a read-only memory map of the cache.
        offsets: (documents + 1,) int64, document i is `ids[offsets[i]:offsets[i + 1]]`.
        label_ids, label_offsets: the documents' labels, likewise.
        first_lengths: (documents,) int64, for pairs: how many of a document's ids belong to its
            first text; the rest belong to the second. None for single texts.
    """

    ids: np.ndarray
    offsets: np.ndarray
    label_ids: np.ndarray
    label_offsets: np.ndarray
    first_lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def tokens(self, document: int) -> np.ndarray:
        """The token ids of a document, int32."""
        return self.ids[self.offsets[document] : self.offsets[document + 1]]

    def pair(self, document: int) -> tuple[np.ndarray, np.ndarray]:
        """The token ids of the two texts of a document, int32; for a corpus of pairs.

        Raises:
            ValueError: the corpus holds single texts.
        """
        if self.first_lengths is None:
            raise ValueError("these documents are single texts")
        tokens, length = self.tokens(document), int(self.first_lengths[document])
        return tokens[:length], tokens[length:]

    def labels(self, document: int) -> np.ndarray:
        """The label ids of a document, int32."""
        return self.label_ids[self.label_offsets[document] : self.label_offsets[document + 1]]
