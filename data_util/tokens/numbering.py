"""The tokens of several texts as integers: positions in a list of the distinct tokens."""

import itertools
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class IndexedTokens:
    """The tokens of several texts.

    Attributes:
        tokens: the distinct tokens, in order of first appearance.
        indices: (number of tokens,) int32, positions in `tokens`, one text after another.
        lengths: (texts,) int64, the number of tokens in each text.
        word_starts: (number of tokens,) uint8, 1 for a token that begins a word, otherwise 0; None
            if words were not looked for.
    """

    tokens: list[str]
    indices: np.ndarray
    lengths: np.ndarray
    word_starts: np.ndarray | None = None


def index_tokens(texts: Sequence[str], tokenize: Callable[[str], Sequence[str]]) -> IndexedTokens:
    """Indexes the tokens that `tokenize` gives for each text."""
    # A new token gets the next index without a line of Python for each token.
    index_of: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    indices = array("i")
    lengths = np.zeros(len(texts), np.int64)
    for row, text in enumerate(texts):
        tokens = tokenize(text)
        indices.extend(map(index_of.__getitem__, tokens))
        lengths[row] = len(tokens)
    return IndexedTokens(
        list(index_of),
        np.frombuffer(indices, np.int32) if indices else np.zeros(0, np.int32),
        lengths,
    )


def index_tokens_and_starts(
    texts: Sequence[str], tokenize: Callable[[str], tuple[Sequence[str], Iterable[int]]]
) -> IndexedTokens:
    """Indexes the tokens that `tokenize` gives for each text, and keeps which of them begin words.

    Args:
        texts: the texts.
        tokenize: gives the tokens of a text, and 1 for each that begins a word, otherwise 0.
    """
    found = bytearray()

    def tokens_of(text: str) -> Sequence[str]:
        tokens, starts = tokenize(text)
        found.extend(starts)
        return tokens

    return replace(index_tokens(texts, tokens_of), word_starts=np.frombuffer(found, np.uint8))
