"""The best thresholds and the best shift, compared with trying all."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.classification import metrics as module
from tasks.classification.decisions import decide
from tasks.classification.metrics import SLOPES, best_shift, best_thresholds, f1_of, log_frequencies
from tasks.classification.options import SCORES
from tests.tasks.classification import thresholds


@pytest.mark.parametrize("seed", range(6))
def test_f1_of_all_thresholds_at_once(seed):
    logits, targets, _ = thresholds.case(seed, documents=1 + 10 * seed)
    found = module._f1_by_threshold(logits, targets, thresholds.GRID)
    assert len(found) == len(thresholds.GRID)
    probabilities = thresholds.probabilities(logits)
    for threshold, f1 in zip(thresholds.GRID, found, strict=True):
        limits = np.full(6, thresholds.probabilities(threshold))
        assert f1 == pytest.approx(f1_of(targets, decide(probabilities, limits)))
        decisions = thresholds.decided(logits, threshold)
        assert f1 == pytest.approx(thresholds.f1_of(targets, decisions))
    # That is different at different thresholds.
    assert seed == 0 or len(np.unique(found.round(6))) > 3


def test_f1_of_logits_at_and_beyond_all_thresholds():
    """A logit that equals a threshold reaches it; some reach none, some all of them."""
    logits = np.array([[-9.0, -8.0], [9.0, -5.0], [3.0, 0.25], [-0.5, -7.0], [8.0, 9.0]])
    targets = np.array([[0, 1], [1, 0], [1, 1], [1, 0], [0, 1]], bool)
    found = module._f1_by_threshold(logits, targets, thresholds.GRID)
    for threshold, f1 in zip(thresholds.GRID, found, strict=True):
        assert f1 == pytest.approx(thresholds.f1_of(targets, thresholds.decided(logits, threshold)))


@pytest.mark.parametrize("seed", [0, 1, 4, 6])
def test_the_best_thresholds_by_trying_all(seed):
    logits, targets, frequencies = thresholds.case(seed)
    tried = {
        (slope, threshold): thresholds.f1_of(
            targets, thresholds.decided(logits, threshold + slope * frequencies)
        )
        for slope in SLOPES
        for threshold in module._candidates(logits - slope * frequencies, int(targets.sum()))
    }
    best = max(tried.values())
    # The smallest slope, and then the threshold nearest to one half.
    slope, threshold = min(
        (pair for pair, f1 in tried.items() if f1 > best - 1e-9),
        key=lambda pair: (pair[0], abs(pair[1])),
    )
    found, f1 = best_thresholds(logits, targets, frequencies)
    assert f1 == pytest.approx(best)
    # The most frequent label has the frequency 0. Two thresholds may be equally near.
    assert abs(found[0]) == pytest.approx(abs(threshold), abs=1e-6)
    np.testing.assert_allclose(found - found[0], slope * frequencies, atol=1e-6)
    decisions = decide(thresholds.probabilities(logits), thresholds.probabilities(found))
    assert thresholds.f1_of(targets, decisions) == pytest.approx(best)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("at_least_one", [True, False])
def test_the_best_thresholds_of_each_score(score, at_least_one):
    """No candidate has a better F1 of this kind by scikit-learn, with and without empty results."""
    logits, targets, frequencies = thresholds.case(3, documents=30, noise=2.0)
    targets[:8] = False
    averages = {"f1": ("micro", "macro"), "micro_f1": ("micro",), "macro_f1": ("macro",)}[score]

    def f1(limits):
        decisions = decide(
            thresholds.probabilities(logits),
            thresholds.probabilities(limits),
            at_least_one=at_least_one,
        )
        each = [f1_score(targets, decisions, average=name, zero_division=0) for name in averages]
        return np.mean(each)

    found, best = best_thresholds(
        logits, targets, frequencies, score=score, at_least_one=at_least_one
    )
    assert f1(found) == pytest.approx(best)
    tried = [
        f1(threshold + slope * frequencies)
        for slope in SLOPES
        for threshold in module._candidates(logits - slope * frequencies, int(targets.sum()))
    ]
    assert max(tried) == pytest.approx(best)


def test_thresholds_where_no_validation_document_has_a_label():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    found, f1 = best_thresholds(logits, np.zeros((5, 3), bool), np.zeros(3), at_least_one=False)
    assert np.isfinite(found).all() and f1 == 0


def test_slopes_help_where_rare_labels_are_underestimated():
    logits, targets, frequencies = thresholds.case(0, 200, underestimated=0.6, noise=0.2)
    _, flat = best_thresholds(logits, targets, frequencies, slopes=(0.0,))
    found, best = best_thresholds(logits, targets, frequencies)
    assert flat < 0.9 < best
    assert (np.diff(found) < 0).all()


@pytest.mark.parametrize("seed", range(8))
def test_the_best_shift_by_trying_all(seed):
    logits, targets, frequencies = thresholds.case(seed, exclusive=True)
    tried, accuracy = {}, {}
    for slope in module._SHIFT_SLOPES:
        decisions = thresholds.highest(logits - slope * frequencies)
        tried[slope] = thresholds.f1_of(targets, decisions)
        accuracy[slope] = (decisions & targets).sum() / len(targets)
    # At most half a point of the accuracy is given up.
    accurate = max(accuracy.values()) - 0.005
    tried = {slope: f1 for slope, f1 in tried.items() if accuracy[slope] >= accurate}
    best = max(tried.values())
    slope = min(slope for slope, f1 in tried.items() if f1 > best - 1e-9)
    shift, f1 = best_shift(logits, targets, frequencies)
    assert f1 == pytest.approx(best)
    np.testing.assert_allclose(shift, -slope * frequencies)


def test_one_half_and_no_shift_where_nothing_is_better():
    targets, frequencies = np.eye(3, dtype=bool), np.array([0.0, -1.0, -2.0])
    logits = np.where(targets, 7.0, -7.0)
    found, f1 = best_thresholds(logits, targets, frequencies)
    assert (found.tolist(), f1) == ([0.0] * 3, 1)
    shift, f1 = best_shift(logits, targets, frequencies)
    assert (np.abs(shift).tolist(), f1) == ([0.0] * 3, 1)


def test_log_frequencies():
    np.testing.assert_allclose(
        log_frequencies(np.array([0.0, 9.0, 4.0, 0.5])), np.log([0.1, 1.0, 0.5, 0.15])
    )
    assert log_frequencies(np.zeros(2)).tolist() == [0, 0]


def test_candidates_for_thresholds():
    """Between two neighbours in the order of the margins, and 0."""
    found = module._candidates(np.array([[4.0, 3.0], [2.0, 1.0]]), number_true=2)
    assert set(found.tolist()) <= {0.0, 1.5, 2.5, 3.5}
    assert {0.0, 2.5} <= set(found.tolist())
