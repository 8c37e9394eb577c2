"""What the noises that hide several tokens at once have in common: a text is cut into units."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.masking import Masking
from data_util.tokens.vocabulary import Vocabulary

# What marks a piece that continues a word, in vocabularies of word pieces.
_CONTINUATION = "##"


class UnitNoise(Masking):
    """Hides units of one or more whole words; a unit is hidden wholly or not at all.

    Each sequence is cut into units anew: the number of words of each is drawn from the noise's
    distribution, and a unit ends early only where the text does, or at an unknown token. Units are
    then chosen in random order until `mask_probability` of the ordinary tokens are hidden. The last
    one would exceed this number: it is chosen with the probability that makes the mean exact, so
    that long units are not rarer among the chosen ones than among all.

    Where the batch has "word_starts", words begin there. Otherwise a word is a token, or a word
    piece with the pieces after it that begin with "##".
    """

    reads_words: ClassVar[bool] = True
    # Of a word; what is longer is hidden in parts.
    max_word: int = 8
    # Of a unit.
    max_words: ClassVar[int]

    def __init__(
        self,
        vocabulary: Vocabulary,
        mask_probability: float | None = None,
        mask_last: float = 0.0,
    ) -> None:
        super().__init__(vocabulary, mask_probability, mask_last)
        self._continues = np.array(
            [token.startswith(_CONTINUATION) for token in vocabulary.tokens], bool
        )

    @abstractmethod
    def draw_lengths(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draws numbers of words, int64 from 1 to `max_words`."""

    def slots(self, length: int, *, cuts_words: bool | None = None) -> int:
        """The number of slots for chosen tokens: enough for any sequence, a multiple of 8.

        Args:
            length: of the sequences.
            cuts_words: whether tokens are parts of words; None: if the vocabulary has pieces.
        """
        cuts_words = bool(self._continues.any()) if cuts_words is None else cuts_words
        max_unit = self.max_words * (self.max_word if cuts_words else 1)
        most = math.ceil(self.mask_probability * length) + max_unit - 1
        return min(length, 8 * math.ceil(most / 8))

    def continues(self, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which tokens continue the word of the token before them, (rows, length) bool."""
        if "word_starts" in batch:
            return ~batch["word_starts"]
        return self._continues[batch["token_ids"]]

    def choose(
        self,
        batch: Mapping[str, np.ndarray],
        candidate: np.ndarray,
        generator: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """See `Masking.choose`."""
        num_rows, length = candidate.shape
        rows = np.arange(num_rows)[:, None]
        unit = self._units(self.continues(batch), candidate, generator)
        # Candidates outside of all units do not exist, so a unit's number is in range.
        flat = (rows * length + unit)[candidate]
        sizes = np.bincount(flat, minlength=num_rows * length).reshape(num_rows, length)
        scores = np.where(sizes > 0, generator.random(sizes.shape), 2.0)
        order = np.argsort(scores, axis=1)
        ends = np.cumsum(sizes[rows, order], axis=1)
        # The last unit is chosen if a random point in it is within what is to be hidden.
        points = ends - generator.random((num_rows, 1)) * sizes[rows, order]
        wanted = self.mask_probability * candidate.sum(1, keepdims=True)
        is_chosen = np.zeros(sizes.shape, bool)
        is_chosen[rows, order] = (points < wanted) & (sizes[rows, order] > 0)

        slots = self.slots(length, cuts_words=True if "word_starts" in batch else None)
        hidden = candidate & is_chosen[rows, unit]
        positions = np.sort(np.where(hidden, np.arange(length), length), axis=1)[:, :slots]
        used = positions < length
        positions = np.where(used, positions, 0)
        begins = np.ones((num_rows, slots), bool)
        begins[:, 1:] = np.diff(unit[rows, positions], axis=1) != 0
        first = np.maximum.accumulate(np.where(begins, np.arange(slots), 0), axis=1)
        return positions, used, first

    def _units(
        self, continues: np.ndarray, candidate: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """The number of the unit of each token, (rows, length) int64; 0 outside of units, too."""
        num_rows, length = candidate.shape
        drawn = self.draw_lengths(generator, (num_rows, length))
        unit = np.zeros((num_rows, length), np.int64)
        number, words_left = np.full(num_rows, -1), np.zeros(num_rows, np.int64)
        pieces, before = np.zeros(num_rows, np.int64), np.zeros(num_rows, bool)
        for column in range(length):  # All rows at once.
            here = candidate[:, column]
            starts_word = ~before | ~continues[:, column] | (pieces == self.max_word)
            starts_unit = here & starts_word & (~before | (words_left == 0))
            number += starts_unit
            words_left = np.where(starts_unit, drawn[:, column], words_left)
            words_left -= here & starts_word
            pieces = np.where(starts_word, 1, pieces + 1)
            unit[:, column] = np.where(here, number, 0)
            before = here
        return unit
