from collections import Counter

import numpy as np
import pytest

from data_util.pretraining.noise.mass import MassNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *"ABCDEFGH", *(f"t{number}" for number in range(4000))])
PAD, UNK, CLS, SEP, MASK = range(5)


def damaged(text, share=None, generator=None):
    return MassNoise(VOCABULARY, share).source_and_target(
        text, np.zeros(len(text), bool), generator or np.random.default_rng(0)
    )


def test_every_piece_is_equally_probable():
    generator = np.random.default_rng(1)
    text = VOCABULARY.encode("ABCD")
    found = Counter(
        "".join(VOCABULARY.tokens[one] for one in damaged(text, None, generator)[1])
        for _ in range(3000)
    )
    assert set(found) == {"AB", "BC", "CD"}
    assert max(abs(count - 1000) for count in found.values()) < 5 * np.sqrt(3000 * 2 / 9)


def test_what_stands_in_the_place_of_the_piece():
    text = np.arange(5, 4005, dtype=np.int32)
    source, target = damaged(text)
    assert len(source) == 4000 and len(target) == 2000
    start = int(target[0]) - 5
    np.testing.assert_array_equal(target, text[start : start + 2000])
    inside = slice(start, start + 2000)
    outside = np.ones(4000, bool)
    outside[inside] = False
    np.testing.assert_array_equal(source[outside], text[outside])
    masked, kept = (source[inside] == MASK).sum(), (source[inside] == target).sum()
    for count, share in ((masked, 0.8), (kept, 0.1), (2000 - masked - kept, 0.1)):
        assert abs(count - 2000 * share) < 5 * np.sqrt(2000 * share * (1 - share))


def test_the_decoder_writes_the_piece_alone():
    """[SEP] is not part of it, and what it reads begins with [CLS]."""
    ids = np.array([[CLS, 5, 6, 7, 8, SEP]], np.int32)
    batch = {"token_ids": ids, "padding_mask": np.ones(ids.shape, bool)}
    arrays = MassNoise(VOCABULARY).arrays(batch, np.random.default_rng(0))
    first = int(arrays["decoded_ids"][0, 0])
    np.testing.assert_array_equal(arrays["decoded_ids"][0, :3], [first, first + 1, 0])
    np.testing.assert_array_equal(arrays["decoded_weights"][0, :3], [1, 1, 0])
    np.testing.assert_array_equal(arrays["decoder_ids"][0, :3], [CLS, first, PAD])


@pytest.mark.parametrize(("tokens", "length"), [(0, 0), (1, 1), (2, 1), (10, 5)])
def test_short_texts(tokens, length):
    text = np.arange(5, 5 + tokens, dtype=np.int32)
    source, target = damaged(text)
    assert (len(source), len(target)) == (tokens, length)


def test_the_share_is_exact_in_the_mean():
    generator, text = np.random.default_rng(2), VOCABULARY.encode("ABCDE")
    lengths = [len(damaged(text, None, generator)[1]) for _ in range(2000)]
    assert set(lengths) == {2, 3}
    assert abs(np.mean(lengths) - 2.5) < 5 * 0.5 / np.sqrt(2000)
