"""Sequences of which only the last token is masked, with every noise that masks."""

import numpy as np
import pytest

from data_util.registry import NOISES
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(200))])
PAD, UNK, CLS, SEP, MASK = range(5)
MASKING = [name for name in NOISES if NOISES[name].masks]


def sequences(count=3000, length=40):
    """[CLS] text [SEP] padding, of different lengths; every tenth ends with an unknown token."""
    generator = np.random.default_rng(0)
    ids = generator.integers(5, len(VOCABULARY), (count, length)).astype(np.int32)
    ends = generator.integers(10, length, count)
    ids[:, 0] = CLS
    ids[np.arange(count), ends] = SEP
    ids[np.arange(length) > ends[:, None]] = PAD
    ids[::10][np.arange(len(ids[::10])), ends[::10] - 1] = UNK
    return ids, ends - 1


def hide(name, ids, share):
    noise = NOISES[name](VOCABULARY, 0.3, mask_last=share)
    return noise.arrays({"token_ids": ids}, np.random.default_rng(1))


def test_the_noises_that_mask() -> None:
    assert MASKING == ["token", "whole_word", "ngram", "span", "phrase", "word_order"]


@pytest.mark.parametrize("name", MASKING)
def test_only_the_last_token_is_masked(name) -> None:
    ids, last = sequences()
    arrays = hide(name, ids, 1.0)
    known = np.arange(len(ids)) % 10 != 0
    used = arrays["masked_weights"] > 0
    assert (used.sum(1)[known] == 1).all() and used[known, 0].all()
    assert (used.sum(1)[~known] > 1).any()  # masked as without it: nothing to learn at the end
    np.testing.assert_array_equal(arrays["masked_positions"][known, 0], last[known])
    rows = np.flatnonzero(known)
    np.testing.assert_array_equal(arrays["masked_ids"][rows, 0], ids[rows, last[rows]])
    assert (arrays["token_ids"][rows, last[rows]] == MASK).all()
    assert not arrays["masked_ids"][known, 1:].any()
    assert not arrays["masked_positions"][known, 1:].any()
    if name != "word_order":
        assert ((arrays["token_ids"] != ids).sum(1)[known] == 1).all()
    if name == "span":
        assert (arrays["span_left_positions"][rows, 0] == last[rows] - 1).all()
        assert (arrays["span_right_positions"][rows, 0] == last[rows] + 1).all()
        assert not arrays["span_offsets"][known].any()


def test_the_share_is_that_of_the_sequences() -> None:
    ids, last = sequences()
    arrays = hide("token", ids, 1 / 11)
    alone = arrays["masked_weights"].sum(1) == 1
    alone &= arrays["masked_positions"][:, 0] == last
    expected = len(ids) * 0.9 / 11
    assert abs(alone.sum() - expected) < 5 * np.sqrt(expected)
    # The other sequences have as many masks as they would have otherwise.
    without = hide("token", ids, 0.0)["masked_weights"].sum(1)
    np.testing.assert_array_equal(arrays["masked_weights"].sum(1)[~alone], without[~alone])
