"""Batches of texts, or of pairs of texts, with their values."""

import numpy as np

from data_util.inputs import Segments, token_budget
from data_util.labelled.batches import LabelledExamples
from data_util.labelled.text_groups import TokenizedGroups


def value_to_bits(value: float) -> int:
    """The bits of a float32 as an int32, which is what the cache holds."""
    return int(np.array(value, np.float32).view(np.int32))


def values_of(groups: TokenizedGroups) -> np.ndarray:
    """(examples,) float32: the values."""
    return np.asarray(groups.values).view(np.float32)


class ValuedExamples(LabelledExamples):
    """Texts, or pairs of texts, as one row each.

    Args:
        groups: tokenized; the only value of each is the float32 as an int32.
        pairs: whether they are pairs.
    """

    def __init__(self, groups: TokenizedGroups, *, pairs: bool) -> None:
        self._groups, self._values = groups, values_of(groups)
        tokens = np.add.reduceat(groups.text_lengths, groups.example_offsets[:-1])
        self.lengths = tokens - token_budget(0, pairs=pairs)

    def rows(self, example: int) -> list[Segments]:
        """The text, or both texts of the pair."""
        return [tuple(self._groups.texts(example))]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows,) float32: the values."""
        return self._values[examples]
