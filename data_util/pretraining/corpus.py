"""Tokenized free text: documents of sentences of token ids."""

from dataclasses import dataclass

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
    """

    ids: np.ndarray
    sentence_offsets: np.ndarray
    document_offsets: np.ndarray

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
