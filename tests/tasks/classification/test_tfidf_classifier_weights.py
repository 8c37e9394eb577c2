"""The linear classifier beside the network: how the two are mixed."""

import numpy as np
import pytest

from tasks.classification.tfidf_classifier import WEIGHTS, TfidfClassifier, middle_of_the_best
from tests.tasks.classification.made_texts import LABELS, f1_over, layer_for


def test_a_network_that_knows_nothing_leaves_the_say_to_the_ngrams(data):
    layer = layer_for(data)
    f1 = f1_over(data.targets("valid"))
    nothing = np.full((60, LABELS), -1.5, np.float32)
    together, found = TfidfClassifier(layer, data).choose_weights(nothing, f1)
    assert float(layer.linear_weight) == found["linear_weight"] > 0
    assert float(layer.network_weight) == found["network_weight"]
    assert found["network_f1"] == f1(nothing) == 0
    assert f1(together) > 0.8
    # The layer gives the same logits.
    valid = data.ngrams["valid"]
    for row in range(len(valid)):
        ids, values = valid.row(row)
        logits = layer(nothing[:1], ids[None], values[None])
        np.testing.assert_allclose(np.asarray(logits)[0], together[row], atol=1e-4)


def test_the_typical_logit_stays_where_it_was(data):
    """Whatever the weights: the thresholds that are tried are those of usual logits."""
    logits = np.random.default_rng(0).normal(-3, 1, (60, LABELS)).astype(np.float32)
    means = []

    def f1(combined):
        means.append(combined.mean())
        return 0.0

    classifier = TfidfClassifier(layer_for(data), data)
    classifier.choose_weights(logits, f1)
    np.testing.assert_allclose(means[-len(WEIGHTS) :], logits.mean(), atol=1e-4)


def test_a_network_that_knows_all_keeps_it(data):
    layer = layer_for(data)
    targets = data.targets("valid")
    logits = np.where(targets, 1.0, -1.0).astype(np.float32)
    together, found = TfidfClassifier(layer, data).choose_weights(logits, f1_over(targets))
    np.testing.assert_array_equal(together, logits)
    assert float(layer.linear_weight) == 0
    assert found["network_f1"] == 1 > found["linear_f1"] > 0.8


def test_a_network_that_is_wrong_has_nothing_left_to_say(data):
    layer = layer_for(data)
    targets = data.targets("valid")
    logits = np.where(targets, -90.0, 90.0).astype(np.float32)
    together, found = TfidfClassifier(layer, data).choose_weights(logits, f1_over(targets))
    assert float(layer.network_weight) == 0
    assert f1_over(targets)(together) == found["linear_f1"] > found["network_f1"]


@pytest.mark.parametrize(
    ("scores", "examples", "index"),
    [
        # The standard error of 0.8 on 400 examples is 0.02.
        ([0.6, 0.79, 0.8, 0.781, 0.7], 400, 2),
        ([0.6, 0.79, 0.8, 0.779, 0.7], 400, 1),
        ([0.6, 0.79, 0.8, 0.779, 0.7], 40_000, 2),
        # The network alone looks best, but not by more than chance.
        ([0.65, 0.645, 0.644, 0.643, 0.646], 2_000, 2),
        # One that is known to be worse does not count, wherever it is.
        ([0.8, 0.1, 0.8, 0.8], 400, 2),
        ([0.0, 0.0, 0.0], 60, 1),
        ([1.0, 0.9, 1.0, 1.0], 60, 2),
    ],
)
def test_the_middle_of_what_cannot_be_told_apart(scores, examples, index):
    assert middle_of_the_best(scores, examples) == index


def test_weights_that_cannot_be_told_apart_give_both_a_part(data):
    """Though the linear classifier alone is ahead, and alone would be chosen by its score."""
    nothing = np.zeros((60, LABELS), np.float32)
    layer, scores = layer_for(data), iter([*[0.3] * (len(WEIGHTS) - 2), 0.6, 0.65])
    layer.fill(np.ones(layer.kernel.shape), np.zeros(LABELS))
    _, found = TfidfClassifier(layer, data).choose_weights(nothing, lambda _: next(scores))
    assert float(layer.network_weight) == found["network_weight"] == 1 / 8


def test_what_the_layer_makes_of_logits(data):
    """Also after it was shifted and calibrated."""
    layer = layer_for(data)
    classifier = TfidfClassifier(layer, data)
    logits = np.random.default_rng(0).normal(size=(60, LABELS)).astype(np.float32)
    together, _ = classifier.choose_weights(logits, f1_over(data.targets("valid")))
    classifier.shift(np.full(LABELS, 0.5, np.float32))
    layer.calibrate(0.25, -1.0)
    found = classifier.combined(logits)
    np.testing.assert_allclose(found, 0.25 * (together + 0.5) - 1, atol=1e-5)
    ids, values = data.ngrams["valid"].row(0)
    of_layer = np.asarray(layer(logits[:1], ids[None], values[None]))
    np.testing.assert_allclose(of_layer[0], found[0], atol=1e-5)


def test_a_shift_is_added_to_the_logits(data):
    layer = layer_for(data)
    classifier = TfidfClassifier(layer, data)
    nothing = np.zeros((60, LABELS), np.float32)
    together, _ = classifier.choose_weights(nothing, f1_over(data.targets("valid")))
    shift = np.array([0.5, 0.0, -1.0, 2.0], np.float32)
    classifier.shift(shift)
    ids, values = data.ngrams["valid"].row(0)
    found = np.asarray(layer(nothing[:1], ids[None], values[None]))
    np.testing.assert_allclose(found[0], together[0] + shift, atol=1e-4)
