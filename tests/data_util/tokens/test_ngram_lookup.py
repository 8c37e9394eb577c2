"""Counts of n-grams against their definition, which lists the n-grams of each text."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.tokens.ngram_lookup import NgramLookup
from data_util.tokens.ngrams import KINDS, ngrams

# Characters with a meaning of their own here: "##" continues a word, "Σ" becomes one of two letters
# by what is beside it, "İ" two characters; the first East Asian one and its neighbour; code points
# of more than 14 and of more than 16 bits, and half of a surrogate pair.
SPECIAL = "ab#Σσς'İ\u2e7f\u2e80我跑\uffef😀\U0010ffff\ud83d\0"
TOKENS = st.lists(st.text(SPECIAL, min_size=1, max_size=5), max_size=10)
ANY = st.lists(
    st.text(st.characters().filter(lambda one: not one.isspace()), min_size=1, max_size=6),
    max_size=10,
)


def expected(known, texts):
    """What `NgramLookup.count` gives."""
    numbers = itertools.count()
    number = {(kind, one): next(numbers) for kind, each in enumerate(known) for one in each}
    rows = []
    for text, tokens in enumerate(texts):
        found = [
            number[kind, one]
            for kind, each in enumerate(ngrams(tokens))
            for one in each
            if (kind, one) in number
        ]
        rows += [(text, index, count) for index, count in sorted(Counter(found).items())]
    return rows


def counted(known, texts):
    found = NgramLookup(known).count(texts)
    assert all(each.dtype == np.int64 for each in found)
    return list(zip(*(each.tolist() for each in found), strict=True))


@given(st.lists(TOKENS | ANY, max_size=5), st.lists(TOKENS | ANY, max_size=2), st.integers(0, 99))
def test_counts_are_those_of_the_definition(texts, others, seed):
    """Half of the n-grams that occur are known, and n-grams that do not occur."""
    random = np.random.default_rng(seed)
    occurring = [set() for _ in KINDS]
    for tokens in texts + others:
        for each, found in zip(occurring, ngrams(tokens), strict=True):
            each.update(found)
    known = [[one for one in sorted(each) if random.random() < 0.5] for each in occurring]
    assert counted(known, texts) == expected(known, texts)


def test_no_texts_have_no_ngrams():
    assert counted([["a"], [], [], [], [], []], []) == []


def test_no_ngram_is_of_two_texts():
    texts = [["x", "ab"], ["cd", "y"], ["我"], ["们"]]
    known = [[], ["ab cd", "我 们"], [], ["bc", "b ", " c", "我们", "y我"], ["abc"], ["abcd"]]
    assert counted(known, texts) == []
    # The same tokens in one text have five of them.
    together = [index for _, index, _ in counted(known, [["ab", "cd"], ["我", "们"]])]
    assert together == [0, 3, 4, 1, 5]


@pytest.mark.parametrize("known", [[" "], ["a b"], ["a  b"]])
def test_what_no_text_has_is_not_found(known):
    """A table that somebody has edited may have it."""
    kinds = [[] for _ in KINDS]
    kinds[1 + len(known[0])] = known
    assert counted(kinds, [["a", "b", "c"]]) == []


def test_many_texts_with_many_ngrams():
    """Texts and n-grams whose numbers need more than 32 bits together."""
    known = [[f"w{number}" for number in range(1 << 18)], [], [], [], [], []]
    texts = [[f"w{number}"] for number in range(1 << 14)]
    assert counted(known, texts) == [(number, number, 1) for number in range(1 << 14)]
