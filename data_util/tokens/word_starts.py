"""Which tokens begin a word, for tokens that are parts of words."""

from collections.abc import Callable, Iterable
from itertools import accumulate, compress
from operator import gt, ne
from typing import Any

from data_util.tokens.words import segmenter, split_words


def starts_of_characters(text: str) -> Iterable[int]:
    """Finds the characters that begin a word.

    Args:
        text: the text.

    Returns:
        1 for each of those characters that are not white space if it begins a word, otherwise 0.
    """
    starts = _begins(text, segmenter())
    if not any(map(str.isspace, text)):
        return starts
    return compress(starts, (not character.isspace() for character in text))


def starts_of_pieces(text: str, encoding: Any) -> Iterable[int]:
    """Finds the word pieces that begin a word.

    A piece that begins with "##" begins none, even if the segmenter cuts the word before it.

    Args:
        text: the text.
        encoding: what the library tokenizers has made of it.

    Returns:
        1 for each piece if it begins a word, otherwise 0.
    """
    word_of = list(accumulate(_begins(text, segmenter())))
    words = [word_of[begin] for begin, _ in encoding.offsets]
    begins = map(ne, words, [0, *words])
    return map(gt, begins, (token.startswith("##") for token in encoding.tokens))


def _begins(text: str, segment: Callable[[str], list[str]]) -> bytearray:
    """A byte for each character: 1 where a word begins, otherwise 0, as in white space."""
    begins, position = bytearray(len(text)), 0
    for word in split_words(text, segment):
        if not word.isspace():
            position = text.index(word, position)
            begins[position] = 1
            position += len(word)
    return begins
