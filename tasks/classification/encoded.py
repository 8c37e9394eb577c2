"""A text as the classifier reads it: the network's token ids, and the tokens themselves."""

from dataclasses import dataclass

import numpy as np

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
