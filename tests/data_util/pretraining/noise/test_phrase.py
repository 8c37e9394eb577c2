import numpy as np
import pytest

from data_util.pretraining.noise.phrase import PhraseNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

PAD, UNK, CLS, SEP, MASK = range(5)
VOCABULARY = Vocabulary([*RESERVED, *"abcdefgh", *(f"t{number}" for number in range(200))])
A, B, C, D, E, F, G, H = range(5, 13)
PHRASES = [[A, B], [A, B, C], [C, D, E, F], [G]]


def units_of(noise, batch):
    """Each unit as the set of its places, of the first row."""
    candidate = noise._is_candidate[batch["token_ids"]]
    unit = noise._units(noise.continues(batch), candidate, np.random.default_rng(0))[0]
    places = np.flatnonzero(candidate[0])
    return [set(places[unit[places] == number].tolist()) for number in np.unique(unit[places])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The longest one that begins first; D alone is no phrase, nor is a part of one.
        ([A, B, C, D, E, F, H], [{1, 2, 3}, {4}, {5}, {6}, {7}]),
        ([H, C, D, E, F, A, B, H], [{1}, {2, 3, 4, 5}, {6, 7}, {8}]),
        ([A, B, A, B, G, A], [{1, 2}, {3, 4}, {5}, {6}]),
        ([C, D, E, UNK, F], [{1}, {2}, {3}, {5}]),
        ([H, A], [{1}, {2}]),
    ],
)
def test_units_by_hand(text, expected) -> None:
    noise = PhraseNoise(VOCABULARY, phrases=PHRASES)
    assert units_of(noise, {"token_ids": np.array([[CLS, *text, SEP, PAD]], np.int32)}) == expected


def test_phrases_count_within_words_and_words_elsewhere() -> None:
    noise = PhraseNoise(VOCABULARY, phrases=PHRASES)
    ids = np.array([[CLS, D, A, B, H, E, H, SEP]], np.int32)
    starts = np.array([[1, 1, 0, 0, 0, 1, 0, 1]], bool)
    batch = {"token_ids": ids, "word_starts": starts}
    assert units_of(noise, batch) == [{1}, {2, 3}, {4}, {5, 6}]
    np.testing.assert_array_equal(batch["word_starts"], starts)


def test_no_phrase_ends_within_a_word_of_pieces() -> None:
    vocabulary = Vocabulary([*RESERVED, "new", "york", "##er", "town"])
    noise = PhraseNoise(vocabulary, phrases=[[5, 6], [8]])
    ids = np.array([[CLS, 5, 6, 8, 5, 6, 7, SEP]], np.int32)
    assert units_of(noise, {"token_ids": ids}) == [{1, 2}, {3}, {4}, {5, 6}]


def test_an_occurrence_is_hidden_wholly_or_not_at_all_and_the_share_is_exact() -> None:
    generator = np.random.default_rng(0)
    ids = generator.integers(5, 13, (4000, 50)).astype(np.int32)
    ids[:, 0], ids[:, -1] = CLS, SEP
    noise = PhraseNoise(VOCABULARY, 0.15, PHRASES)
    batch = {"token_ids": ids}
    arrays = noise.arrays(batch, np.random.default_rng(1))
    used = arrays["masked_weights"] > 0
    hidden = np.zeros(ids.shape, bool)
    hidden[np.nonzero(used)[0], arrays["masked_positions"][used]] = True
    together = noise.continues(batch)[:, 1:]
    assert together.any() and not (hidden[:, 1:] != hidden[:, :-1])[together].any()
    share = used.sum(1)
    assert abs(share.mean() - 0.15 * 48) < 4 * share.std() / np.sqrt(len(share))
    # As often as others: the units of a length are chosen with the same probability.
    begins = (ids[:, :-1] == G)[:, 1:]
    assert abs(hidden[:, 1:-1][begins].mean() - 0.15) < 5 * np.sqrt(0.15 * 0.85 / begins.sum())
