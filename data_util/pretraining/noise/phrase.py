"""Masks phrases of a list, such as names: all tokens of an occurrence, or none.

References:
    Sun et al. 2019, "ERNIE: Enhanced Representation through Knowledge Integration", section 3.2
    (https://arxiv.org/abs/1904.09223): masks of phrases and entities.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from data_util.pretraining.noise.whole_word import WholeWordNoise
from data_util.tokens.vocabulary import Vocabulary

# Of a phrase. Each batch has as many further slots for masked tokens as the longest phrase.
MAX_PHRASE = 64


class PhraseNoise(WholeWordNoise):
    """Hides single phrases and, outside of them, single words.

    Each occurrence of a phrase is one unit, also within a longer word. Where two overlap, the one
    that begins first counts, and of those the longest. In texts of word pieces a phrase does not
    end within a word.

    Args:
        vocabulary, mask_probability, mask_last: as for `Masking`.
        phrases: the phrases as ordinary token ids, each of at most `MAX_PHRASE`.
    """

    stream: ClassVar[str] = "phrases"

    def __init__(
        self,
        vocabulary: Vocabulary,
        mask_probability: float | None = None,
        phrases: Sequence[Sequence[int]] = (),
        mask_last: float = 0.0,
    ) -> None:
        super().__init__(vocabulary, mask_probability, mask_last)
        self.max_word = max(self.max_word, *map(len, phrases), 1)
        # A node maps the next token to the next node, and None to whether a phrase ends here.
        self._trie: dict[Any, Any] = {}
        for phrase in phrases:
            node = self._trie
            for token in phrase:
                node = node.setdefault(int(token), {})
            node[None] = True
        self._begins = np.zeros(len(vocabulary), bool)
        self._begins[[phrase[0] for phrase in phrases]] = True

    def slots(self, length: int, *, cuts_words: bool | None = None) -> int:
        """See `UnitNoise.slots`; a phrase may have several tokens whatever they are."""
        return super().slots(length, cuts_words=bool(self._trie) or cuts_words)

    def continues(self, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which tokens continue a unit, (rows, length) bool."""
        token_ids = batch["token_ids"]
        continues = super().continues(batch)
        for row in np.flatnonzero(self._begins[token_ids].any(1)):
            ids, end = token_ids[row].tolist(), 0
            for begin in np.flatnonzero(self._begins[token_ids[row]]).tolist():
                if begin < end or (stop := self._match(ids, begin)) == begin:
                    continue
                end = stop
                continues[row, begin] = False
                continues[row, begin + 1 : end] = True
                continues[row, end : end + 1] = False
        return continues

    def _match(self, ids: Sequence[int], begin: int) -> int:
        """The end of the longest phrase that begins here; `begin` if there is none."""
        node: dict[Any, Any] = self._trie
        longest = begin
        for end, token in enumerate(ids[begin : begin + MAX_PHRASE], begin + 1):
            if token not in node:
                break
            node = node[token]
            if None in node and not (end < len(ids) and self._continues[ids[end]]):
                longest = end
        return longest
