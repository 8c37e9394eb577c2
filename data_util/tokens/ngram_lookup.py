"""Finds the n-grams of many texts at once in a list of known ones."""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from data_util.tokens.key_table import KeyTable
from data_util.tokens.ngrams import FIRST_EAST_ASIAN, LONGEST, SPACE

# White space, which no token has, tells tokens apart, and texts. What ends a text is East Asian:
# `ngrams` puts no space beside such a character.
_TOKEN_END, _TEXT_END = "\n", "\u3000"
_NUMBER_SIGN = "#"
# A key is a number of 64 bits. Three code points have 21 bits each, so their key has 63. The keys
# of other n-grams have the highest bit, three bits for their kind, and 60 for what they consist of:
# the numbers of two words, one or two code points, or four code points below `FIRST_EAST_ASIAN`,
# which have 14 bits each.
_BITS, _BITS_OF_LONGEST = 21, 14
_PAIR, _ONE, _TWO, _FOUR = (np.int64(-(1 << 63) + (kind << 60)) for kind in range(4))


class NgramLookup:
    """Counts the known n-grams of texts, as `data_util.tokens.ngrams.ngrams` defines them.

    All n-grams of all texts become 64-bit keys and are looked up together, so that the time goes
    into a few passes over large arrays.

        >>> lookup = NgramLookup([["a"], ["a b"], ["a", "b"], ["a ", " b"], [], []])
        >>> texts, indices, counts = lookup.count([["a", "a", "b"], ["B"]])
        >>> texts.tolist(), indices.tolist(), counts.tolist()
        ([0, 0, 0, 0, 0, 0, 1], [0, 1, 2, 3, 4, 5, 3], [2, 1, 2, 1, 2, 1, 1])

    Args:
        known: by kind, the known n-grams of each of `data_util.tokens.ngrams.KINDS`. They are
            numbered from 0 on, over all kinds.
    """

    def __init__(self, known: Sequence[Sequence[str]]) -> None:
        words, pairs, *characters = known
        self._size = sum(map(len, known))
        # The known words have the first numbers, further ones that pairs consist of follow.
        self._words = {word: number for number, word in enumerate(words)}
        self._num_words = len(words)
        keys, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        first = len(words)
        halves = [pair.partition(SPACE) for pair in pairs]
        number_of = self._words.setdefault
        left = [number_of(one, len(self._words)) for one, _, _ in halves]
        right = [number_of(other, len(self._words)) for _, _, other in halves]
        keys.append(self._pair_keys(np.array(left, np.int64), np.array(right, np.int64)))
        numbers.append(first + np.arange(len(pairs)))
        first += len(pairs)
        for size, each in enumerate(characters, start=1):
            possible = [_occurs(ngram) for ngram in each]
            points = _code_points("".join(each)).reshape(len(each), size)[possible]
            keys.append(_character_keys(list(points.T)))
            numbers.append(first + np.flatnonzero(possible))
            first += len(each)
        self._table = KeyTable(np.concatenate(keys).view(np.uint64), np.concatenate(numbers))

    def count(self, texts: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Counts the known n-grams of texts.

        Args:
            texts: the tokens of each, not empty and without white space.

        Returns:
            (entries,) int64 each: the position of a text, the number of an n-gram that it has, and
            how often it has it; in ascending order of texts, then of n-grams.
        """
        if not texts:
            return self._counted(np.zeros(0, np.int64), np.zeros(0, np.int64))
        tokens: list[str] = []
        for text in texts:
            tokens += text
            tokens.append(_TEXT_END)
        together = _TOKEN_END.join(tokens)
        lowered = together.lower()  # of each token for itself: no rule looks beyond white space
        if lowered != together:
            tokens = lowered.split(_TOKEN_END)
        words = np.fromiter(map(self._words.get, tokens, repeat(-1)), np.int64, len(tokens))
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
        text_of_word = np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
        known = np.flatnonzero((words >= 0) & (words < self._num_words))
        # What ends a text is no word, so that no pair is of two texts.
        paired = np.flatnonzero((words[:-1] >= 0) & (words[1:] >= 0))
        points = _joined_points(lowered)
        text_of_point = np.cumsum(points == ord(_TEXT_END))
        keys = [self._pair_keys(words[paired], words[paired + 1])]
        text_of_key = [text_of_word[paired]]
        for size in range(1, LONGEST):
            windows = [points[start : len(points) - size + 1 + start] for start in range(size)]
            keys.append(_character_keys(windows))
            text_of_key.append(text_of_point[: len(windows[0])])
        starts = _starts_of_longest(points)
        keys.append(_character_keys([points[starts + place] for place in range(LONGEST)]))
        text_of_key.append(text_of_point[starts])
        found, numbers = self._table.find(np.concatenate(keys).view(np.uint64))
        return self._counted(
            np.concatenate([text_of_word[known], np.concatenate(text_of_key)[found]]),
            np.concatenate([words[known], numbers]),
        )

    def _counted(
        self, texts: np.ndarray, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        bits = self._size.bit_length()
        both = texts << bits | numbers
        if not len(both):
            return both, both, both
        if int(texts.max()).bit_length() + bits < 32:
            both = both.astype(np.uint32)  # which are sorted in half the time
        both.sort()
        first = np.flatnonzero(np.diff(both, prepend=both[:1] + 1))
        counts = np.diff(first, append=len(both))
        distinct = both[first].astype(np.int64)
        return distinct >> bits, distinct & ((1 << bits) - 1), counts

    def _pair_keys(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return left * (len(self._words) + 1) + right | _PAIR


def _occurs(ngram: str) -> bool:
    """Whether an n-gram of characters can be one that `ngrams` gives."""
    size = len(ngram)
    return not (
        _TOKEN_END in ngram
        or _TEXT_END in ngram
        or ngram == SPACE
        or SPACE in ngram[1:-1]
        or (size == LONGEST and max(ngram) >= FIRST_EAST_ASIAN)
    )


def _code_points(text: str) -> np.ndarray:
    """(characters,) int64."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)


def _character_keys(windows: Sequence[np.ndarray]) -> np.ndarray:
    """The keys of n-grams from their first, second, ... code points, (n-grams,) int64 each."""
    size = len(windows)
    bits = _BITS_OF_LONGEST if size == LONGEST else _BITS
    keys = windows[0]
    for window in windows[1:]:
        keys = keys << bits | window
    return keys if size == 3 else keys | {1: _ONE, 2: _TWO, LONGEST: _FOUR}[size]


def _joined_points(tokens: str) -> np.ndarray:
    """The code points of `data_util.tokens.ngrams.joined` for all texts, with what ends a text.

    Args:
        tokens: those of all texts, each followed by `_TOKEN_END`, the last token of a text followed
            by `_TEXT_END` like a further token.
    """
    points = _code_points(tokens + _TOKEN_END)
    alphabetic = points < ord(FIRST_EAST_ASIAN)
    ends = np.flatnonzero(points == ord(_TOKEN_END))
    starts = np.concatenate([[0], ends[:-1] + 1])
    continued = (points[starts] == ord(_NUMBER_SIGN)) & (ends - starts > 2)
    continued &= points[starts + 1] == ord(_NUMBER_SIGN)
    spaces = np.zeros(len(ends), bool)
    spaces[:-1] = alphabetic[ends[:-1] - 1] & alphabetic[starts[1:]] & ~continued[1:]
    points[ends[spaces]] = ord(SPACE)
    kept = np.ones(len(points), bool)
    kept[ends[~spaces]] = False
    kept[starts[continued]] = kept[starts[continued] + 1] = False
    return points[kept]


def _starts_of_longest(points: np.ndarray) -> np.ndarray:
    """Where `LONGEST` code points of alphabetic scripts follow each other, int64."""
    alphabetic = points < ord(FIRST_EAST_ASIAN)
    twice = alphabetic[:-1] & alphabetic[1:]
    return np.flatnonzero(twice[:-2] & twice[2:])
