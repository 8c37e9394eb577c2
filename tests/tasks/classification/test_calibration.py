"""Calibration against scikit-learn's, and reliability by hand."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from tasks.calibration import MIN_EXAMPLES, Calibration
from tasks.classification.calibration import (
    calibration_error,
    carry_thresholds,
    fit_calibration,
    top_label,
)
from tasks.classification.decisions import decide
from tasks.classification.metrics import best_thresholds
from tasks.reliability import reliability
from tests.tasks.classification import thresholds


class Logits(ClassifierMixin, BaseEstimator):
    """A classifier of scikit-learn whose features are its decisions."""

    def __init__(self, classes=2):
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, features, targets):
        return self

    def predict(self, features):
        raise NotImplementedError

    def decision_function(self, features):
        return features[:, 0] if self.classes == 2 else features


def drawn(seed, scale, bias, documents=500, labels=4):
    """Logits `z` such that `expit(scale * z + bias)` is the probability of each target."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(-1.5, 2, (documents, labels))
    targets = generator.random(odds.shape) < expit(odds)
    return ((odds - bias) / scale).astype(np.float32), targets


def drawn_classes(seed, scale, documents=500, labels=5):
    generator = np.random.default_rng(seed)
    odds = 2 * generator.normal(size=(documents, labels))
    shares = softmax(odds, axis=1).cumsum(axis=1)
    classes = (generator.random((documents, 1)) > shares[:, :-1]).sum(axis=1)
    return (odds / scale).astype(np.float32), np.eye(labels, dtype=bool)[classes]


@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (0.3, -0.7), (4.0, 1.0)])
@pytest.mark.parametrize("documents", [30, 500])
def test_scale_and_bias_equal_scikit_learns_platt_scaling(scale, bias, documents):
    logits, targets = drawn(0, scale, bias, documents)
    found = fit_calibration(logits, targets, exclusive=False)
    decisions, truth = logits.reshape(-1, 1).astype(np.float64), targets.ravel().astype(int)
    platt = CalibratedClassifierCV(FrozenEstimator(Logits()), method="sigmoid")
    # The same documents in each fold, so that all of them are in the one calibrator.
    platt.cv = [(np.arange(len(truth)), np.arange(len(truth)))]
    expected = platt.fit(decisions, truth).predict_proba(decisions)[:, 1]
    np.testing.assert_allclose(expit(found(decisions[:, 0])), expected, atol=1e-4)
    if documents == 500:
        assert found.scale == pytest.approx(scale, rel=0.15)
        assert found.bias == pytest.approx(bias, abs=0.25)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_the_temperature_has_the_least_log_loss(scale):
    logits, targets = drawn_classes(1, scale)
    found = fit_calibration(logits, targets, exclusive=True)
    assert found.scale == pytest.approx(scale, rel=0.15) and found.bias == 0
    truth = targets.argmax(axis=1)

    def loss(factor):
        return log_loss(truth, softmax(factor * logits.astype(np.float64), axis=1))

    tried = [loss(factor) for factor in scale * np.geomspace(0.2, 5, 41)]
    assert loss(found.scale) == pytest.approx(min(tried), abs=2e-3)


@pytest.mark.parametrize("exclusive", [False, True])
def test_separable_examples_do_not_make_certainties(exclusive):
    """With Platt's targets, one of N more is expected to be wrong."""
    targets = np.eye(2, dtype=bool)[np.arange(100) % 2]
    logits = np.where(targets, 1.0, -1.0)
    found = fit_calibration(logits, targets, exclusive=exclusive)
    calibrated = found(logits)
    probabilities = softmax(calibrated, axis=1) if exclusive else expit(calibrated)
    expected = np.where(targets, 101 / 102, 1 / 102)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


@pytest.mark.parametrize("exclusive", [False, True])
def test_logits_that_are_wrong_keep_their_order(exclusive):
    logits, targets = drawn_classes(2, -1.0)
    found = fit_calibration(logits, targets, exclusive=exclusive)
    assert found.scale == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("exclusive", [False, True])
def test_nothing_is_fitted_to_a_handful_of_examples(exclusive):
    logits, targets = drawn_classes(3, 0.5, documents=MIN_EXAMPLES)
    few = fit_calibration(logits[1:], targets[1:], exclusive=exclusive)
    assert few == Calibration(1.0, 0.0)
    assert fit_calibration(logits, targets, exclusive=exclusive) != few


@pytest.mark.parametrize("targets", [np.zeros((50, 2), bool), np.ones((50, 2), bool)])
def test_nothing_is_fitted_where_all_decisions_are_alike(targets):
    logits = np.random.default_rng(0).normal(size=targets.shape)
    assert fit_calibration(logits, targets, exclusive=False) == Calibration()


def test_equal_logits_give_the_base_rate():
    targets = np.arange(200).reshape(100, 2) % 4 == 0
    found = fit_calibration(np.full(targets.shape, 3.0), targets, exclusive=False)
    np.testing.assert_allclose(expit(found(np.array(3.0))), 0.25, atol=0.01)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rounded", [False, True])
def test_decisions_stay_what_they_were(seed, rounded):
    """Also where logits are tied, with each other and with thresholds."""
    logits, targets, frequencies = thresholds.case(seed, documents=200, labels=8, noise=2.0)
    logits = (np.round(logits) if rounded else 4 * logits).astype(np.float32)
    before, _ = best_thresholds(logits, targets, frequencies)
    if rounded:
        before = np.round(before)
    found = fit_calibration(logits, targets, exclusive=False)
    assert found != Calibration()
    calibrated = found(logits)
    probabilities = expit(calibrated.astype(np.float32))
    after = carry_thresholds(before, found, logits >= before, probabilities)
    np.testing.assert_array_equal(probabilities >= after, logits >= before)
    # Those of which no label reaches its threshold, too.
    expected = thresholds.decided(logits.astype(np.float64), before)
    np.testing.assert_array_equal(decide(probabilities, after), expected)
    # And the map is that of the logits.
    np.testing.assert_allclose(after, expit(found(before)), atol=1e-6)


def test_rounding_does_not_change_a_decision():
    """Two logits just below and at the threshold, and a bias that takes their last digits."""
    logits = np.array([[1.0], [np.nextafter(np.float32(1), np.float32(2))]], np.float32)
    before, calibration = np.array([float(logits[1, 0])]), Calibration(2.0, 0.25)
    decided = logits >= before
    assert decided.tolist() == [[False], [True]]
    for last in (0.7, np.nextafter(np.float32(0.7), np.float32(1))):
        probabilities = np.array([[0.7], [last]], np.float32)
        after = carry_thresholds(before, calibration, decided, probabilities)
        assert bool(probabilities[1] >= after)
        assert (probabilities[0] < after) == (probabilities[0] < probabilities[1])


def test_thresholds_of_0_and_1_stay():
    limits = logit(np.array([0.0, 1.0, 0.5]))
    logits = np.array([[-50.0, 50.0, 0.0], [3.0, 3.0, 3.0]])
    calibration = Calibration(0.3, -1.0)
    after = carry_thresholds(limits, calibration, logits >= limits, expit(calibration(logits)))
    np.testing.assert_allclose(after, [0, 1, expit(-1.0)])
    assert (expit(calibration(logits)) >= after)[:, 0].all()
    assert not (expit(calibration(logits)) >= after)[:, 1].any()


def test_the_bins_are_those_of_scikit_learn():
    logits, targets = drawn(4, 0.4, 0.5)
    probabilities = expit(logits.astype(np.float64))
    found = reliability(probabilities, targets)
    right, mean = calibration_curve(targets.ravel(), probabilities.ravel(), n_bins=15)
    filled = found.count > 0
    np.testing.assert_allclose(found.mean_probability[filled], mean)
    np.testing.assert_allclose(found.fraction_right[filled], right)
    assert found.count.sum() == targets.size
    # Probabilities that are what they say are nearly right.
    fitted = fit_calibration(logits, targets, exclusive=False)
    calibrated = expit(fitted(logits.astype(np.float64)))
    before = calibration_error(probabilities, targets, exclusive=False)
    assert calibration_error(calibrated, targets, exclusive=False) < 0.04 < before / 2


def test_the_calibration_error_of_the_top_label():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.34, 0.33, 0.33]])
    targets = np.eye(3, dtype=bool)[[0, 1, 1]]
    top, right = top_label(probabilities, targets)
    assert (top.tolist(), right.tolist()) == ([0.6, 0.6, 0.34], [True, False, False])
    # Two at 0.6, of which one is right, and one at 0.34 that is wrong.
    error = calibration_error(probabilities, targets, exclusive=True)
    assert error == pytest.approx((2 * abs(0.5 - 0.6) + 0.34) / 3)
