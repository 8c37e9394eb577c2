"""A prefix tree of words with a score each, in arrays that machine code reads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from data_util.code_points import code_points
from data_util.compiled import compiled
from data_util.hashing import MULTIPLIER

NOTHING = 0
NO_WORD = -np.inf

_CHAR_BITS, _NODE_BITS = 21, 20
_FILTER_BITS = 22
_KEY_MASK = (1 << (_CHAR_BITS + _NODE_BITS)) - 1


class PrefixTree(NamedTuple):
    """Nodes are numbers; a word's node is found by `first_child` and then, a character at a time,
    by `child`.

    Attributes:
        first: (characters,) int32, the node that a text's first character leads to.
        slots: (power of two,) int64, a hash table with linear probing: node, character and the
            child that they lead to, in one number; 0 is an empty slot.
        filter: (2**22 / 8,) uint8, a bit for each key that may be in `slots`. Most characters lead
            nowhere, and here that is seen in memory that stays close to the processor (Bloom 1970,
            with one hash).
        scores: (nodes,) float64, of the word that ends at a node; `NO_WORD` where none does.
    """

    first: np.ndarray
    slots: np.ndarray
    filter: np.ndarray
    scores: np.ndarray


def prefix_tree(words: Sequence[str], scores: np.ndarray) -> PrefixTree:
    """Makes the tree.

    Args:
        words: distinct, the ones looked up most first: so they lie close together.
        scores: (words,) float64.

    Raises:
        ValueError: there are more prefixes than there are numbers for nodes.
    """
    characters = code_points("".join(words))
    ends = np.cumsum(np.array([len(word) for word in words], np.int64))
    if len(characters) + 2 > 1 << _NODE_BITS:
        raise ValueError(f"{len(characters):,} characters are too many for one tree")
    tree = PrefixTree(
        first=np.full(characters.max(initial=0) + 1, NOTHING, np.int32),
        slots=np.zeros(1 << _NODE_BITS, np.int64),
        filter=np.zeros(1 << (_FILTER_BITS - 3), np.uint8),
        scores=np.full(len(characters) + 2, NO_WORD),
    )
    nodes = _insert(characters, ends, np.asarray(scores, np.float64), tree)
    return tree._replace(scores=tree.scores[:nodes].copy())


@compiled
def first_child(tree: PrefixTree, character: int) -> int:
    """The node of a text's first character, or `NOTHING`."""
    return tree.first[character] if character < tree.first.size else NOTHING


@compiled
def child(tree: PrefixTree, node: int, character: int) -> int:
    """The node that a character leads to, or `NOTHING`."""
    key = (node << _CHAR_BITS) | character
    bit = _hash(key, _FILTER_BITS)
    if not (tree.filter[bit >> 3] >> (bit & 7)) & 1:
        return NOTHING
    slot = _hash(key, _NODE_BITS)
    while tree.slots[slot] != 0:
        if tree.slots[slot] & _KEY_MASK == key:
            return tree.slots[slot] >> (_CHAR_BITS + _NODE_BITS)
        slot = (slot + 1) & (tree.slots.size - 1)
    return NOTHING


@compiled
def _hash(key: int | np.int64, bits: int) -> np.int64:
    return np.int64((np.uint64(key) * np.uint64(MULTIPLIER)) >> np.uint64(64 - bits))


@compiled
def _insert(characters: np.ndarray, ends: np.ndarray, scores: np.ndarray, tree: PrefixTree) -> int:
    nodes = NOTHING + 1
    begin = 0
    for end, score in zip(ends, scores):  # noqa: B905 (Numba knows no strict=)
        node = first_child(tree, characters[begin])
        if node == NOTHING:
            node = nodes
            nodes += 1
            tree.first[characters[begin]] = node
        for place in range(begin + 1, end):
            following = child(tree, node, characters[place])
            if following == NOTHING:
                following = nodes
                nodes += 1
                _add(tree, np.int64(node) << _CHAR_BITS | characters[place], following)
            node = following
        tree.scores[node] = score
        begin = end
    return nodes


@compiled
def _add(tree: PrefixTree, key: np.int64, following: int) -> None:
    slot = _hash(key, _NODE_BITS)
    while tree.slots[slot] != 0:
        slot = (slot + 1) & (tree.slots.size - 1)
    tree.slots[slot] = (following << (_CHAR_BITS + _NODE_BITS)) | key
    bit = _hash(key, _FILTER_BITS)
    tree.filter[bit >> 3] |= np.uint8(1) << np.uint8(bit & 7)
