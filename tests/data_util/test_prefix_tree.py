import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util import prefix_tree as module
from data_util.code_points import code_points
from data_util.prefix_tree import NO_WORD, NOTHING, child, first_child, prefix_tree

TEXT = st.text("ab中\U0001f600\x00", min_size=1, max_size=6)


def node_of(tree, text) -> int:
    first, *others = code_points(text)
    node = first_child(tree, first)
    for character in others:
        node = node and child(tree, node, character)
    return node


@given(words=st.lists(TEXT, unique=True), others=st.lists(TEXT))
def test_words_prefixes_and_nothing_else(words, others) -> None:
    tree = prefix_tree(words, -np.arange(1.0, len(words) + 1))
    scores = dict(zip(words, -np.arange(1.0, len(words) + 1), strict=True))
    for text in [*words, *others]:
        node = node_of(tree, text)
        if any(word.startswith(text) for word in words):
            assert tree.scores[node] == scores.get(text, NO_WORD)
        else:
            assert node == NOTHING


def test_a_character_beyond_all_first_ones() -> None:
    assert node_of(prefix_tree(["a"], np.zeros(1)), "中") == NOTHING


def test_thousands_of_words_share_no_node() -> None:
    words = [chr(0x4E00 + a) + chr(0x4E00 + b) for a in range(200) for b in range(200)]
    tree = prefix_tree(words, np.arange(-40_000.0, 0))
    assert [tree.scores[node_of(tree, word)] for word in words] == list(range(-40_000, 0))


def test_too_many_words(monkeypatch) -> None:
    monkeypatch.setattr(module, "_NODE_BITS", 2)
    with pytest.raises(ValueError, match="too many"):
        prefix_tree(["abc"], np.zeros(1))
