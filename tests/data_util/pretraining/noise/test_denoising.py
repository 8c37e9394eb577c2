from collections import Counter

import numpy as np
import pytest

from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.noise.delete import DeleteNoise
from data_util.pretraining.noise.denoising import CombinedCorruptions
from data_util.pretraining.noise.infill import InfillNoise
from data_util.pretraining.noise.mask import MaskNoise
from data_util.pretraining.noise.permute import PermuteNoise
from data_util.pretraining.noise.rotate import RotateNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests.data_util.pretraining.corpora import make_corpus

VOCABULARY = Vocabulary([*RESERVED, *"ABCDEFGH", *(f"t{number}" for number in range(4000))])
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST = len(RESERVED) + 8


def spelled(ids):
    """The tokens, `_` for [MASK]."""
    return "".join("_" if one == MASK else VOCABULARY.tokens[one] for one in ids)


def corrupted(noise, text, times, starts=()):
    """How often each text is made of a short one; sentences begin at `starts`."""
    generator = np.random.default_rng(0)
    ids = VOCABULARY.encode(text)
    begins = np.isin(np.arange(len(ids)), starts)
    return Counter(spelled(noise.corrupt(ids, begins, generator)) for _ in range(times))


def assert_equally_often(counts, expected):
    """Each of the expected texts, and no other, within five standard deviations."""
    assert set(counts) == set(expected)
    number, probability = sum(counts.values()), 1 / len(expected)
    deviation = np.sqrt(number * probability * (1 - probability))
    assert max(abs(count - number * probability) for count in counts.values()) < 5 * deviation


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        (MaskNoise(VOCABULARY, 0.5), ["__CD", "_B_D", "_BC_", "A__D", "A_C_", "AB__"]),
        (DeleteNoise(VOCABULARY, 0.5), ["CD", "BD", "BC", "AD", "AC", "AB"]),
        (RotateNoise(VOCABULARY), ["ABCD", "BCDA", "CDAB", "DABC"]),
        # The sentences are AB, C and D.
        (PermuteNoise(VOCABULARY), ["ABCD", "ABDC", "CABD", "CDAB", "DABC", "DCAB"]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_every_outcome_of_a_short_text_is_equally_probable(noise, expected):
    assert_equally_often(corrupted(noise, "ABCD", 3000, starts=[0, 2, 3]), expected)


class Drawn:
    """A generator of given lengths and of a given order, whose random numbers are 0.5."""

    def __init__(self, lengths, order):
        self.lengths, self.order = lengths, order

    def poisson(self, mean, size):
        assert mean == 3
        return np.array([*self.lengths, *[1] * size])[:size]

    def permutation(self, number):
        assert sorted(self.order) == list(range(number))
        return np.array(self.order, int)

    def random(self):
        return 0.5


@pytest.mark.parametrize(
    ("text", "share", "lengths", "order", "expected"),
    [
        # Two spans and three visible tokens: the second and the fourth of the five are spans.
        ("ABCDE", 0.5, [2, 0], [1, 3, 0, 2, 4], "A_D_E"),
        # 3.6 tokens are to be hidden: a third span of length 2 is taken in three of ten cases.
        ("ABCDEFGH", 0.45, [1, 2, 2], [4, 0, 1, 2, 3, 5, 6], "_BCD_GH"),
        ("ABC", 0.1, [3], [0, 1, 2], "ABC"),
        ("", 0.3, [2], [], ""),
    ],
)
def test_infilling_by_hand(text, share, lengths, order, expected):
    ids = VOCABULARY.encode(text)
    noise = InfillNoise(VOCABULARY, share)
    found = noise.corrupt(ids, np.zeros(len(ids), bool), Drawn(lengths, order))
    assert spelled(found) == expected


def test_lengths_of_spans_are_from_poisson():
    noise, generator = InfillNoise(VOCABULARY), np.random.default_rng(2)
    text = np.arange(FIRST, FIRST + 3000, dtype=np.int32)
    lengths, hidden = [], 0
    for _ in range(40):
        source = noise.corrupt(text, np.zeros(len(text), bool), generator)
        visible = np.flatnonzero(source != MASK)
        hidden += len(text) - len(visible)
        # Where exactly one [MASK] stands between two visible tokens.
        alone = np.diff(visible) == 2
        lengths += (np.diff(source[visible])[alone] - 1).tolist()
        assert (np.diff(source[visible]) > 0).all()
    assert abs(hidden / (40 * 3000) - 0.3) < 0.002
    expected = np.array([0.0498, 0.1494, 0.2240, 0.2240, 0.1680, 0.1008, 0.0504])  # e^-3 3^k / k!
    found = np.bincount(lengths, minlength=7)[:7] / len(lengths)
    assert (np.abs(found - expected) < 5 * np.sqrt(expected / len(lengths))).all()
    assert abs(np.mean(lengths) - 3) < 5 * np.sqrt(3 / len(lengths))


@pytest.mark.parametrize("tokens", [1, 2, 5, 10])
@pytest.mark.parametrize("kind", [MaskNoise, DeleteNoise, InfillNoise])
def test_the_share_is_exact_in_the_mean_of_short_texts_too(kind, tokens):
    noise, generator = kind(VOCABULARY, 0.3), np.random.default_rng(3)
    text = np.arange(FIRST, FIRST + tokens, dtype=np.int32)
    left = [
        (source := noise.corrupt(text, np.zeros(tokens, bool), generator))[source != MASK]
        for _ in range(4000)
    ]
    hidden = tokens - np.array([len(one) for one in left])
    assert abs(hidden.mean() - 0.3 * tokens) < 5 * max(0.1, hidden.std()) / np.sqrt(4000)


def test_a_text_does_not_become_longer():
    generator = np.random.default_rng(4)
    for tokens in [1, 2, 3, 4] * 200:
        text = np.arange(FIRST, FIRST + tokens, dtype=np.int32)
        found = InfillNoise(VOCABULARY).corrupt(text, np.zeros(tokens, bool), generator)
        assert len(found) <= tokens


def test_the_whole_text_is_written_but_unknown_tokens():
    noise = MaskNoise(VOCABULARY, 0.5)
    ids = np.array([[CLS, 7, UNK, 5, SEP, PAD], [CLS, SEP, PAD, PAD, PAD, PAD]], np.int32)
    arrays = noise.arrays({"token_ids": ids, "padding_mask": ids != PAD}, np.random.default_rng(0))
    np.testing.assert_array_equal(arrays["decoder_ids"][:, :4], [[CLS, 7, UNK, 5], [CLS, 0, 0, 0]])
    np.testing.assert_array_equal(arrays["decoded_ids"][:, :4], [[7, 0, 5, SEP], [SEP, 0, 0, 0]])
    np.testing.assert_array_equal(arrays["decoded_weights"].sum(0)[:5], [2, 0, 1, 1, 0])


def test_sentences_of_a_corpus_are_shuffled_whole():
    """And nothing but the order changes."""
    corpus = make_corpus([[3, 1, 4, 2]] * 50, first_id=FIRST)
    batches = PretrainingBatches(
        corpus,
        np.arange(50),
        VOCABULARY,
        rows="single",
        noise=PermuteNoise(VOCABULARY),
        sequence_length=12,
        batch_size=50,
        seed=0,
    )
    (batch,) = batches.batches(0)
    assert "sentence_starts" not in batch
    orders = Counter()
    for row, written in zip(batch["token_ids"], batch["decoded_ids"], strict=True):
        text = row[1:-1]
        np.testing.assert_array_equal(np.sort(text), written[:10])
        sentence = np.repeat(np.arange(4), [3, 1, 4, 2])[text - text.min()]
        assert (np.diff(text)[np.diff(sentence) == 0] == 1).all()
        orders[tuple(dict.fromkeys(sentence.tolist()))] += 1
        assert np.count_nonzero(np.diff(sentence)) == 3
    assert len(orders) > 12


def test_combined():
    both = CombinedCorruptions([PermuteNoise(VOCABULARY), DeleteNoise(VOCABULARY, 0.25)])
    found = corrupted(both, "ABCD", 4000, starts=[0, 2])
    whole = ["ABCD", "CDAB"]
    assert_equally_often(found, [one[:at] + one[at + 1 :] for one in whole for at in range(4)])
    target = both.source_and_target(
        VOCABULARY.encode("ABC"), np.array([1, 0, 1], bool), np.random.default_rng(0)
    )[1]
    assert spelled(target) == "ABC[SEP]"
    with pytest.raises(ValueError, match="beginnings of sentences must come first"):
        CombinedCorruptions([DeleteNoise(VOCABULARY), PermuteNoise(VOCABULARY)])
