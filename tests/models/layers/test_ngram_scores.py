"""Against a sum that is written out, and against the published numbers of splitmix64."""

import numpy as np
import pytest
from keras import ops

from models.layers.ngram_scores import BITS, MAX_ORDER, RADIUS, NgramScores, ngram_rows

VOCAB = 400


@pytest.fixture(scope="module")
def layer():
    layer = NgramScores(num_scores=3, vocab_size=VOCAB, dropout=0.5)
    layer.build()
    return layer


def scores(layer, ids, mask=None):
    ids = np.asarray(ids, np.int32)
    return ops.convert_to_numpy(layer(ids, np.ones(ids.shape, bool) if mask is None else mask))


def rows_of(ngrams):
    ngrams = np.asarray(ngrams, np.int32)
    return ops.convert_to_numpy(ngram_rows(ngrams, ngrams.shape[1], VOCAB))[:, 0]


def test_a_sum_over_the_ngrams_of_the_window(layer):
    ids = np.random.default_rng(0).integers(1, VOCAB, 6)
    around = [0] * RADIUS + ids.tolist() + [0] * RADIUS
    expected = np.zeros((6, 3))
    for order in range(1, MAX_ORDER + 1):
        vectors = ops.convert_to_numpy(layer.vectors[order - 1])
        (kernel,) = layer.convolutions[order - 1].get_weights()
        for position in range(6):
            window = around[position : position + 2 * RADIUS + 1]
            ngrams = [window[begin : begin + order] for begin in range(len(window) - order + 1)]
            for matrix, row in zip(kernel, rows_of(ngrams), strict=True):
                expected[position] += vectors[row] @ matrix
    np.testing.assert_allclose(scores(layer, [ids])[0], expected, atol=1e-5)


def test_padding_changes_nothing(layer):
    text = [5, 6, 7, 8]
    padded = np.array([[*text, 9, 9, 9]])
    found = scores(layer, padded, np.array([[True] * 4 + [False] * 3]))
    np.testing.assert_allclose(found[0, :4], scores(layer, [text])[0], atol=1e-6)


def test_a_token_reaches_as_far_as_the_window(layer):
    before, after = np.full((1, 11), 7), np.full((1, 11), 7)
    after[0, 5] = 8
    changed = np.abs(scores(layer, before) - scores(layer, after)).max(axis=-1)[0] > 1e-6
    assert np.flatnonzero(changed).tolist() == list(range(5 - RADIUS, 6 + RADIUS))


def test_dropout_is_for_training_alone(layer):
    ids = np.array([[5, 6, 7]])
    np.testing.assert_array_equal(scores(layer, ids), scores(layer, ids))
    trained = ops.convert_to_numpy(layer(ids, ids > 0, training=True))
    assert not np.allclose(trained, scores(layer, ids))


def test_numbers_of_splitmix64():
    # The first numbers from the seed 0, as https://rosettacode.org and Java's SplittableRandom
    # have them.
    published = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
    assert rows_of([[1], [2], [3]]).tolist() == [each >> (64 - BITS) for each in published]


@pytest.mark.parametrize("order", range(2, MAX_ORDER + 1))
def test_ngrams_share_rows_as_rarely_as_at_random(order):
    ngrams = np.unique(np.random.default_rng(0).integers(VOCAB, size=(9000, order)), axis=0)
    ngrams = np.concatenate([ngrams, np.roll(ngrams, 1, axis=1)])  # the order of tokens counts
    ngrams = np.unique(ngrams, axis=0)
    used = len(np.unique(rows_of(ngrams)))
    expected = (1 << BITS) * (1 - (1 - 0.5**BITS) ** len(ngrams))
    assert used == pytest.approx(expected, rel=0.02)
