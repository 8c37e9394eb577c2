"""The contract of a noise: it hides or changes tokens of a batch and records what was there."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.tokens.vocabulary import Vocabulary


class Noise(ABC):
    """Hides or changes tokens of a batch, and gives the arrays of what to predict.

    A noise is a file in this folder and an entry of `data_util.registry.NOISES`. It never changes
    padding and never hides a reserved token.

    Args:
        vocabulary: of the ids.
        mask_probability: the mean fraction of a sequence's ordinary tokens that is hidden or
            changed; above 0 and below 1.

    Attributes:
        stream: name of its stream of random numbers, so that two noises draw independently.
        reads_words: whether it reads "word_starts".
        masks: whether it puts [MASK] in the place of tokens, and takes `mask_last`.
    """

    stream: ClassVar[str]
    reads_words: ClassVar[bool] = False
    masks: ClassVar[bool] = False

    def __init__(self, vocabulary: Vocabulary, mask_probability: float = 0.15) -> None:
        self.vocabulary = vocabulary
        self.mask_probability = mask_probability

    @abstractmethod
    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """The arrays that are added to a batch, or that replace some of its own.

        Args:
            batch: the sequences, which are not modified: "token_ids" and "segment_ids" (rows,
                length) int32, "padding_mask" (rows, length) bool, True for a token, and the
                arrays of the row plan; and, if the corpus knows it, "word_starts" (rows, length)
                bool, True for a token that begins a word.
            generator: the source of all randomness.

        Returns:
            Arrays by name; the first axis is the row. If tokens are changed, "token_ids" is among
            them. An array whose name ends in "_weights" is 0 where there is nothing to predict.
        """
