"""The tokens of several texts as numbers, where what cuts them gives places and not strings."""

from collections.abc import Callable, Sequence

import numpy as np

from data_util.characters import is_white_space
from data_util.code_points import code_points
from data_util.compiled import compiled
from data_util.hashing import MULTIPLIER
from data_util.numbering import IndexedTokens


def number_pieces(texts: Sequence[str], cut: Callable[[np.ndarray], np.ndarray]) -> IndexedTokens:
    """Numbers the pieces of each text that are not white space.

    Args:
        texts: they are cut all at once, a line feed between two.
        cut: from code points, (characters,) int32, to where the pieces end, (pieces,) int32, one
            after another without gaps. A white-space character is a piece by itself.
    """
    joined = "\n".join(texts)
    characters = code_points(joined)
    numbers, begins, firsts = _distinct_pieces(characters, cut(characters))
    borders = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=borders[1:])
    tokens = list(map(joined.__getitem__, map(slice, *firsts.T.tolist())))
    return IndexedTokens(tokens, numbers, np.diff(np.searchsorted(begins, borders)))


@compiled
def _distinct_pieces(
    text: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number and first character of each piece; (distinct, 2) where each number first stands."""
    # A hash table with linear probing, half full at most; a small one stays near the processor.
    table = np.full(1 << 14, -1, np.int32)
    numbers = np.empty(ends.size, np.int32)
    begins = np.empty(ends.size, np.int32)
    firsts = np.empty((ends.size, 2), np.int32)
    pieces = distinct = begin = 0
    for end in ends:
        if not is_white_space(text[begin]):
            slot = _slot(table, text, begin, end, firsts)
            number = table[slot]
            if number < 0:
                number = table[slot] = distinct
                firsts[number, 0], firsts[number, 1] = begin, end
                distinct += 1
                if 2 * distinct > table.size:
                    table = _larger(table, text, firsts[:distinct])
            numbers[pieces] = number
            begins[pieces] = begin
            pieces += 1
        begin = end
    return numbers[:pieces].copy(), begins[:pieces].copy(), firsts[:distinct].copy()


@compiled
def _slot(
    table: np.ndarray, text: np.ndarray, begin: int, end: int, firsts: np.ndarray
) -> np.int64:
    """Where the table has the piece, or has room for it."""
    hashed = np.uint64(0)
    for place in range(begin, end):
        hashed = (hashed ^ np.uint64(text[place])) * np.uint64(MULTIPLIER)
        hashed ^= hashed >> np.uint64(32)
    slot = np.int64(hashed & np.uint64(table.size - 1))
    while table[slot] >= 0 and not _are_equal(
        text, begin, end, firsts[table[slot], 0], firsts[table[slot], 1]
    ):
        slot = (slot + 1) & (table.size - 1)
    return slot


@compiled
def _larger(table: np.ndarray, text: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    larger = np.full(4 * table.size, -1, np.int32)
    for number in range(len(firsts)):
        begin, end = firsts[number, 0], firsts[number, 1]
        larger[_slot(larger, text, begin, end, firsts)] = number
    return larger


@compiled
def _are_equal(text: np.ndarray, begin: int, end: int, first: int, last: int) -> bool:
    if last - first != end - begin:
        return False
    for place in range(end - begin):  # noqa: SIM110 (this is not Python but machine code)
        if text[begin + place] != text[first + place]:
            return False
    return True
