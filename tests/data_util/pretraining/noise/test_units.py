"""The noises that hide several tokens at once."""

import numpy as np
import pytest
from scipy.stats import chisquare

from data_util.pretraining.noise.ngram import NgramNoise
from data_util.pretraining.noise.span import MAX_OFFSETS, SpanNoise
from data_util.pretraining.noise.whole_word import WholeWordNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

PAD, UNK, CLS, SEP, MASK = range(5)
VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(2000))])
PIECES = Vocabulary([*RESERVED, "play", "##ing", "##s", "the", "un", "##afford", "##able"])
UNITS = [WholeWordNoise, NgramNoise, SpanNoise]


def rows_of(count, length, *, vocabulary=VOCABULARY, seed=0):
    """[CLS] text [SEP], without unknown tokens."""
    ids = np.random.default_rng(seed).integers(5, len(vocabulary), (count, length))
    ids[:, 0], ids[:, -1] = CLS, SEP
    return ids.astype(np.int32)


def hide(noise, ids, seed=1):
    return noise.arrays({"token_ids": ids}, np.random.default_rng(seed))


def sizes_of(noise, ids, seed=1):
    """The numbers of tokens of the units that were hidden."""
    candidate = noise._is_candidate[ids]
    _, used, first = noise.choose({"token_ids": ids}, candidate, np.random.default_rng(seed))
    key = first + np.arange(len(first))[:, None] * 10_000
    return np.unique(key[used], return_counts=True)[1]


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("length", [12, 100])
@pytest.mark.parametrize("probability", [0.15, 0.4])
def test_the_mean_share_is_exact(kind, length, probability) -> None:
    ids = rows_of(4000, length)
    hidden = hide(kind(VOCABULARY, probability), ids)["masked_weights"].sum(1)
    error = hidden.std() / np.sqrt(len(ids))
    assert abs(hidden.mean() - probability * (length - 2)) <= 4 * error + 1e-6


# Of the papers: 1/n up to 3, and Geo(0.2) cut at 10.
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (NgramNoise, [6 / 11, 3 / 11, 2 / 11]),
        (SpanNoise, [0.224, 0.179, 0.143, 0.115, 0.092, 0.073, 0.059, 0.047, 0.038, 0.030]),
    ],
)
def test_lengths_of_the_paper(kind, expected) -> None:
    # Long rows: few units end where the text does.
    sizes = sizes_of(kind(VOCABULARY), rows_of(30, 4002))
    counts = np.bincount(sizes, minlength=len(expected) + 1)[1:]
    wanted = np.array(expected) / sum(expected) * counts.sum()
    assert counts.sum() > 4000
    assert chisquare(counts, wanted).pvalue > 0.001
    assert np.mean(sizes) == pytest.approx(
        np.dot(np.arange(1, len(expected) + 1), expected), rel=0.03
    )


def test_every_token_is_as_likely() -> None:
    ids = rows_of(6000, 202)
    arrays = hide(SpanNoise(VOCABULARY), ids)
    used = arrays["masked_weights"] > 0
    share = np.bincount(arrays["masked_positions"][used], minlength=202)[1:-1] / len(ids)
    # The last span of a row is cut short, and short spans are a little likelier.
    assert np.all(abs(share - 0.15) < 0.01 + 5 * np.sqrt(0.15 * 0.85 / len(ids)))


@pytest.mark.parametrize("kind", UNITS)
def test_a_unit_is_replaced_as_a_whole(kind) -> None:
    ids = rows_of(3000, 60)
    noise = kind(VOCABULARY)
    arrays = hide(noise, ids)
    _, _, first = noise.choose(
        {"token_ids": ids}, noise._is_candidate[ids], np.random.default_rng(1)
    )
    used = arrays["masked_weights"] > 0
    now = np.take_along_axis(arrays["token_ids"], arrays["masked_positions"], 1)
    was = arrays["masked_ids"]
    units, at = np.unique((first + np.arange(len(first))[:, None] * 100)[used], return_inverse=True)
    size = np.bincount(at)
    masked, kept = np.bincount(at, (now == MASK)[used]), np.bincount(at, (now == was)[used])
    assert set((masked / size).tolist()) == {0.0, 1.0}
    bound = 5 * np.sqrt(0.25 / len(units))
    assert abs((masked > 0).mean() - 0.8) < bound
    assert abs((kept == size).mean() - 0.1) < bound


def test_pieces_of_a_word_are_hidden_together() -> None:
    play, ing, s, the, un, afford, able = range(5, 12)
    row = [CLS, the, play, ing, s, UNK, un, afford, able, the, ing, SEP, PAD]
    # After an unknown token a continuation begins a unit: what it continues cannot be seen.
    words = [{1}, {2, 3, 4}, {6, 7, 8}, {9, 10}]
    ids, seen = np.array([row] * 400, np.int32), set()
    arrays = hide(WholeWordNoise(PIECES, 0.3), ids)
    for positions, weights in zip(
        arrays["masked_positions"], arrays["masked_weights"], strict=True
    ):
        hidden = set(positions[weights > 0].tolist())
        assert all(word <= hidden or not word & hidden for word in words)
        assert hidden <= set().union(*words)
        seen |= {index for index, word in enumerate(words) if word <= hidden}
    assert seen == {0, 1, 2, 3}


def test_n_grams_are_of_words_not_of_pieces() -> None:
    play, ing = 5, 6
    row = [CLS, *[play, ing] * 40, SEP]
    sizes = sizes_of(NgramNoise(PIECES, 0.3), np.array([row] * 200, np.int32))
    assert set(sizes.tolist()) == {2, 4, 6}


def test_a_span_is_described_by_its_ends() -> None:
    ids = rows_of(500, 50)
    arrays = hide(SpanNoise(VOCABULARY, 0.3), ids)
    touching = 0
    for row in range(len(ids)):
        used = arrays["masked_weights"][row] > 0
        named = (
            "masked_positions",
            "span_left_positions",
            "span_right_positions",
            "span_offsets",
            "span_weights",
        )
        at, left, right, offset, weight = (arrays[name][row][used] for name in named)
        assert np.all(weight == 1)
        np.testing.assert_array_equal(at - left - 1, offset)
        hidden = set(at.tolist())
        for begin, end in set(zip(left.tolist(), right.tolist(), strict=True)):
            # Hidden wholly, and each of its tokens says the same of it.
            assert set(range(begin + 1, end)) <= hidden
            assert all((left[at == place] == begin).all() for place in range(begin + 1, end))
            assert 1 <= end - begin - 1 <= 10 and begin >= 0 and end < 50
            touching += begin in hidden
        assert len(at) == sum(
            right - left - 1 for right, left in set(zip(right, left, strict=True))
        )
        unused = ~used
        assert not any(arrays[name][row][unused].any() for name in named)
    assert touching  # Two spans may touch: they are two spans.


def test_long_words_have_no_targets_beyond_the_table_of_offsets() -> None:
    row = [CLS, *[5, 6, 6, 6, 6, 6, 6, 6] * 30, SEP]
    arrays = hide(SpanNoise(PIECES, 0.3), np.array([row] * 50, np.int32))
    counted = arrays["span_weights"] > 0
    assert arrays["span_offsets"].max() == MAX_OFFSETS - 1
    assert counted.sum() < (arrays["masked_weights"] > 0).sum()


def test_words_without_end_are_hidden_in_parts() -> None:
    row = [CLS, *[6] * 100, SEP]
    sizes = sizes_of(WholeWordNoise(PIECES), np.array([row] * 50, np.int32))
    assert set(sizes.tolist()) <= {8, 4}  # 12 parts of 8, and what is left


def words_of(count, length, seed=0):
    """Text whose words have up to four tokens, as of the tokenize style char."""
    ids = rows_of(count, length, seed=seed)
    starts = np.random.default_rng(seed).random(ids.shape) < 0.5
    starts[:, ::4] = starts[:, 1] = starts[:, -1] = True
    return {"token_ids": ids, "word_starts": starts}


@pytest.mark.parametrize("kind", UNITS)
def test_words_of_several_tokens_are_hidden_wholly_or_not_at_all(kind) -> None:
    batch = words_of(2000, 80)
    arrays = kind(VOCABULARY, 0.2).arrays(batch, np.random.default_rng(1))
    used = arrays["masked_weights"] > 0
    hidden = np.zeros((*used.shape[:1], 80), bool)
    hidden[np.nonzero(used)[0], arrays["masked_positions"][used]] = True
    same_word = ~batch["word_starts"][:, 1:]
    assert same_word.any() and not (hidden[:, 1:] != hidden[:, :-1])[same_word].any()
    share = used.sum(1)
    assert abs(share.mean() - 0.2 * 78) < 4 * share.std() / np.sqrt(len(share))


def test_n_grams_are_of_words_of_several_tokens() -> None:
    batch = words_of(60, 2002)
    noise = NgramNoise(VOCABULARY)
    candidate = noise._is_candidate[batch["token_ids"]]
    positions, used, first = noise.choose(batch, candidate, np.random.default_rng(1))
    rows = np.arange(60)[:, None]
    words = np.bincount(
        (first + rows * 10_000)[used], weights=batch["word_starts"][rows, positions][used]
    )
    counts = np.bincount(words[words > 0].astype(int), minlength=4)[1:]
    assert chisquare(counts, np.array([6, 3, 2]) / 11 * counts.sum()).pvalue > 0.001


@pytest.mark.parametrize("kind", UNITS)
def test_rows_without_candidates(kind) -> None:
    ids = np.array([[CLS, UNK, SEP, PAD], [CLS, 9, SEP, PAD]], np.int32)
    arrays = hide(kind(VOCABULARY), ids)
    assert not arrays["masked_weights"][0].any()
    np.testing.assert_array_equal(arrays["token_ids"][0], ids[0])


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("vocabulary", [VOCABULARY, PIECES])
def test_slots_hold_all_that_is_chosen(kind, vocabulary) -> None:
    for probability in (0.01, 0.15, 0.5, 0.9):
        for length in (4, 32, 200):
            noise = kind(vocabulary, probability)
            ids = rows_of(200, length, vocabulary=vocabulary)
            candidate = noise._is_candidate[ids]
            unit = noise._units(
                noise.continues({"token_ids": ids}), candidate, np.random.default_rng(1)
            )
            sizes = sizes_of(noise, ids)
            assert noise.slots(length) <= length
            # Had a unit not found room, a part of it would be missing.
            complete = set()
            for row in range(len(ids)):
                complete |= set(np.bincount(unit[row][candidate[row]]).tolist())
            assert set(sizes.tolist()) <= complete
