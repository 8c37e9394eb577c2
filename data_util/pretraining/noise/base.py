"""The contract of a noise: it hides or changes tokens of a batch and records what was there."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.tokens.vocabulary import Vocabulary


class Noise(ABC):
    """Hides or changes tokens of a batch, and gives the arrays of what to predict.

    A noise is a file in this folder and an entry of `data_util.registry.NOISES`. If it keeps tokens
    in their places, it never changes padding and never hides a reserved token.

    Args:
        vocabulary: of the ids.
        mask_probability: the mean fraction of a sequence's ordinary tokens that is hidden or
            changed; above 0 and below 1. None: `default_probability`.

    Attributes:
        stream: name of its stream of random numbers, so that two noises draw independently.
        default_probability: the fraction that its paper uses.
        reads_words: whether it reads "word_starts".
        masks: whether it hides tokens by [MASK] where they stand, and takes `mask_last`.
        reads_sentences: whether it reads "sentence_starts".
        reads_spare_tokens: whether it needs a vocabulary with spare tokens.
        keeps_places: whether each token that stays is where it was in the text.
    """

    stream: ClassVar[str]
    default_probability: ClassVar[float] = 0.15
    reads_words: ClassVar[bool] = False
    masks: ClassVar[bool] = False
    reads_sentences: ClassVar[bool] = False
    reads_spare_tokens: ClassVar[bool] = False
    keeps_places: ClassVar[bool] = True

    def __init__(self, vocabulary: Vocabulary, mask_probability: float | None = None) -> None:
        self.vocabulary = vocabulary
        self.mask_probability = (
            self.default_probability if mask_probability is None else mask_probability
        )

    @abstractmethod
    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """The arrays that are added to a batch, or that replace some of its own.

        Args:
            batch: the sequences, which are not modified: "token_ids" and "segment_ids" (rows,
                length) int32, "padding_mask" (rows, length) bool, True for a token, and the
                arrays of the row plan; if the corpus knows it, "word_starts" (rows, length) bool,
                True for a token that begins a word; and, for a noise that reads it,
                "sentence_starts" (rows, length) bool, True for a token that begins a sentence.
            generator: the source of all randomness.

        Returns:
            Arrays by name; the first axis is the row. If tokens are changed, "token_ids" is among
            them. An array whose name ends in "_weights" is 0 where there is nothing to predict.
        """
