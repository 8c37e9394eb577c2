"""A text as the classifier reads it: the network's token ids, and the tokens themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_util.inputs import rows_to_inputs, truncated
from data_util.tokens.pair_table import FeatureTable
from data_util.tokens.sparse_rows import ngram_inputs
from tasks.data import TextEncoder

# Stands in for covered tokens; no n-gram of a text has it.
_COVERED = "\0"


@dataclass(frozen=True, eq=False)
class EncodedText:
    """A text.

    Attributes:
        ids: (tokens,) int32, what the network reads.
        tokens: the tokens, from which n-grams are made; empty if the model reads none.
    """

    ids: np.ndarray
    tokens: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: slice) -> "EncodedText":
        return EncodedText(self.ids[chosen], self.tokens[chosen])

    def cover(self, first: int, last: int, mask_id: int) -> "EncodedText":
        """A copy in which the tokens from `first` to before `last` are hidden."""
        ids = self.ids.copy()
        ids[first:last] = mask_id
        hidden = (_COVERED,) * len(self.tokens[first:last])
        return EncodedText(ids, self.tokens[:first] + hidden + self.tokens[last:])


def classifier_inputs(
    encoded: Sequence[tuple[EncodedText, ...]], text: TextEncoder, ngrams: FeatureTable | None
) -> dict[str, np.ndarray]:
    """A batch of texts, or of pairs of texts, as the model reads it: one row for each.

    Args:
        encoded: the text, or both texts, of each row.
        text: gives the vocabulary and the longest sequence.
        ngrams: what the linear classifier reads, if there is one.
    """
    ids = [tuple(part.ids for part in parts) for parts in encoded]
    packed = rows_to_inputs(ids, text.vocabulary, text.sequence_length)
    if ngrams is None:
        return packed
    read = (truncated(parts, text.sequence_length) for parts in encoded)
    tokens = [tuple(part.tokens for part in parts) for parts in read]
    return packed | ngram_inputs(ngrams.feature_rows(tokens))
