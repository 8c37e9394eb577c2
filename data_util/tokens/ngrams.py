"""N-grams of words and of characters."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from data_util.tokens.words import segmenter, split_words

# The kinds of n-grams: words and pairs of words, and one to three characters, in an alphabetic
# script four. The words of Chinese are a segmenter's guess, and a word of a short text was often
# never seen before; its characters were.
KINDS = ("w1", "w2", "c1", "c2", "c3", "c4")
LONGEST = 4
# The number of characters of the n-grams of characters.
CHARACTERS = {f"c{size}": size for size in range(1, LONGEST + 1)}
# Between the characters of two words where the script has spaces.
SPACE = " "
FIRST_EAST_ASIAN = "\u2e80"


def ngrams(tokens: Sequence[str]) -> Iterator[list[str]]:
    """The n-grams of a text, those of each of `KINDS` in turn, in the order of the text.

    N-grams of characters run across the tokens of a script without spaces; in other scripts they
    end at the space between two words, which is the first or the last character of some.

        >>> list(ngrams(["我", "跑"]))
        [['我', '跑'], ['我 跑'], ['我', '跑'], ['我跑'], [], []]

    Args:
        tokens: of the text, without white space in them.
    """
    tokens = [token.lower() for token in tokens]
    yield tokens
    yield _pairs(tokens)
    text = joined(tokens)
    for size in range(1, LONGEST + 1):
        found = [text[start : start + size] for start in range(len(text) - size + 1)]
        if size == LONGEST:
            found = [one for one in found if max(one) < FIRST_EAST_ASIAN]
        if SPACE in text:
            found = [one for one in found if one != SPACE and SPACE not in one[1:-1]]
        yield found


def segmented_words(characters: Sequence[str]) -> list[str]:
    """The words that the segmenter finds in the characters of a text.

    >>> segmented_words(["我", "们", "跑"])
    ['我们', '跑']
    """
    return split_words("".join(characters), segmenter())


def _pairs(tokens: Sequence[str]) -> list[str]:
    return [f"{first} {second}" for first, second in pairwise(tokens)]


def joined(tokens: Sequence[str]) -> str:
    """The text of tokens, with a space between two words of a script that has spaces."""
    parts = []
    last = FIRST_EAST_ASIAN
    for token in tokens:
        piece = token.removeprefix("##") if len(token) > 2 else token
        if piece is token and last < FIRST_EAST_ASIAN and token[0] < FIRST_EAST_ASIAN:
            parts.append(SPACE)
        parts.append(piece)
        last = piece[-1]
    return "".join(parts)
