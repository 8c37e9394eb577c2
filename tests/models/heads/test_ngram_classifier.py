"""The n-gram classifier against a sparse matrix product, and what it adds to logits by hand."""

import keras
import numpy as np
import pytest
from scipy.special import logit

from models.heads.ngram_classifier import NgramClassifier, combine, log_odds

FEATURES, LABELS = 30, 3


@pytest.fixture
def filled():
    """A layer with random weights; the weights."""
    generator = np.random.default_rng(0)
    layer = NgramClassifier(FEATURES, LABELS)
    layer.build()
    assert not layer.is_filled
    kernel = generator.normal(size=(FEATURES, LABELS)).astype(np.float32) / 4
    bias = np.array([-0.9, 0.1, -0.5], np.float32)
    layer.fill(kernel, bias)
    assert layer.is_filled
    return layer, kernel, bias


def batch(sizes=(7, 0, 12), width=12, seed=1):
    """Ids, values, and the same as a dense matrix."""
    generator = np.random.default_rng(seed)
    ids = np.zeros((len(sizes), width), np.int32)
    values = np.zeros((len(sizes), width), np.float32)
    dense = np.zeros((len(sizes), FEATURES), np.float32)
    for row, size in enumerate(sizes):
        ids[row, :size] = generator.permutation(FEATURES)[:size]
        values[row, :size] = generator.random(size)
        dense[row, ids[row, :size]] = values[row, :size]
    return ids, values, dense


def test_decisions_are_a_matrix_product(filled):
    layer, kernel, bias = filled
    ids, values, dense = batch()
    found = np.asarray(layer.decisions(ids, values))
    np.testing.assert_allclose(found, dense @ kernel + bias, atol=1e-6)
    # A text without known n-grams.
    np.testing.assert_allclose(found[1], bias)


def test_padding_changes_nothing(filled):
    layer, _, _ = filled
    ids, values, _ = batch()
    wider_ids, wider_values = np.pad(ids, ((0, 0), (0, 9))), np.pad(values, ((0, 0), (0, 9)))
    # Whatever id stands there.
    wider_ids[:, 12:] = 17
    expected = np.asarray(layer.decisions(ids, values))
    np.testing.assert_allclose(
        np.asarray(layer.decisions(wider_ids, wider_values)), expected, atol=1e-6
    )


def test_log_odds_of_probabilities():
    """A decision of 0 is a probability of a half; those beyond 1 % and 99 % are cut off."""
    decisions = np.array([[-3.0, -1.0, -0.5, 0.0, 0.6, 1.0, 2.0]], np.float32)
    probabilities = [0.01, 0.01, 0.25, 0.5, 0.8, 0.99, 0.99]
    np.testing.assert_allclose(np.asarray(log_odds(decisions))[0], logit(probabilities), rtol=1e-4)


def test_what_is_combined():
    logits, evidence = np.array([[1.0, -2.0]]), np.array([[0.5, 3.0]])
    offset = np.array([0.1, -0.1])
    np.testing.assert_allclose(
        combine(logits, evidence, 0.5, 2.0, offset), [[0.5 + 0.1 + 1.0, -1.0 - 0.1 + 6.0]]
    )


def test_the_networks_logits_are_untouched_until_they_are_mixed(filled):
    layer, _, _ = filled
    ids, values, _ = batch()
    logits = np.random.default_rng(2).normal(size=(3, LABELS)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(layer(logits, ids, values)), logits)


@pytest.mark.parametrize("offset", [-0.75, [0.5, -1.0, 2.0]])
def test_mixed_logits(filled, offset):
    layer, kernel, bias = filled
    ids, values, dense = batch()
    logits = np.random.default_rng(2).normal(size=(3, LABELS)).astype(np.float32)
    layer.mix(0.25, 2.0, offset)
    shares = np.clip((dense @ kernel + bias + 1) / 2, 0.01, 0.99)
    np.testing.assert_allclose(
        np.asarray(layer(logits, ids, values)), logits / 4 + offset + 2 * logit(shares), atol=1e-4
    )


def test_nothing_is_trained_and_all_is_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = NgramClassifier(FEATURES, LABELS)
        layer.build()
    finally:
        keras.config.set_dtype_policy(before)
    assert not layer.trainable_variables
    assert {variable.dtype for variable in layer.weights} == {"float32"}


def test_a_layer_is_made_again_from_its_configuration():
    layer = NgramClassifier.from_config(NgramClassifier(FEATURES, LABELS, name="x").get_config())
    assert (layer.num_features, layer.num_labels, layer.name) == (FEATURES, LABELS, "x")


def test_the_least_size_is_below_the_real_one():
    layer = NgramClassifier(FEATURES, LABELS)
    layer.build()
    least = NgramClassifier.min_parameters(FEATURES, LABELS)
    assert 0.8 * layer.count_params() < least <= layer.count_params()


def test_calibrated_logits(filled):
    """A scale and a bias for the mixed logits, without another weight."""
    layer, _, _ = filled
    ids, values, _ = batch()
    logits = np.random.default_rng(2).normal(size=(3, LABELS)).astype(np.float32)
    layer.mix(0.25, 2.0, [0.5, -1.0, 2.0])
    mixed, weights = np.asarray(layer(logits, ids, values)), len(layer.weights)
    layer.calibrate(0.4, -0.75)
    found = np.asarray(layer(logits, ids, values))
    np.testing.assert_allclose(found, 0.4 * mixed - 0.75, atol=1e-5)
    assert len(layer.weights) == weights
