"""Weighted ridge regression against scikit-learn's, and the search for its penalty."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.linear_model import Ridge

from tasks.classification import linear_classifiers
from tasks.classification.linear_classifiers import (
    Fit,
    RidgeRegression,
    best_penalty,
    gram_matrix,
)

EXAMPLES, FEATURES, LABELS = 70, 40, 4
PENALTIES = (0.03, 0.3, 3.0)


@pytest.fixture
def problem():
    """Sparse features of about unit length, targets that depend on them, and weights."""
    generator = np.random.default_rng(0)
    features = random_array((EXAMPLES, FEATURES), density=0.2, rng=generator, format="csr")
    scores = features @ generator.normal(size=(FEATURES, LABELS))
    targets = scores + 0.3 * generator.normal(size=scores.shape) > 0.4
    return csr_matrix(features / 1.2, dtype=np.float32), targets, generator.choice([0.3, 1, 2], 70)


def expected(features, targets, weights, penalty):
    """What scikit-learn finds for targets minus their weighted mean; that mean."""
    signs = np.where(targets, 1.0, -1.0)
    bias = (weights[:, None] * signs).sum(axis=0) / weights.sum()
    ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky")
    ridge.fit(features.toarray().astype(np.float64), signs - bias, sample_weight=weights)
    return ridge.coef_.T, bias


def use_solver(monkeypatch, solver):
    """The exact one for few examples, or the one by steps for many."""
    limit = EXAMPLES if solver == "dual" else EXAMPLES - 1
    monkeypatch.setattr(linear_classifiers, "MAX_KERNEL_EXAMPLES", limit)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("solver", ["dual", "primal"])
def test_the_weights_are_those_of_scikit_learn(problem, solver, penalty, weighted, monkeypatch):
    features, targets, weights = problem
    if not weighted:
        weights = np.ones(EXAMPLES)
    use_solver(monkeypatch, solver)
    kernel, bias = RidgeRegression(features, targets, weights).fit(penalty)
    expected_kernel, expected_bias = expected(features, targets, weights, penalty)
    assert kernel.dtype == bias.dtype == np.float32
    scale = np.abs(expected_kernel).max()
    np.testing.assert_allclose(kernel, expected_kernel, atol=2e-3 * scale)
    np.testing.assert_allclose(bias, expected_bias, atol=1e-6)


def test_the_solvers_are_the_ones_that_were_asked_for(problem, monkeypatch):
    for solver in ("dual", "primal"):
        use_solver(monkeypatch, solver)
        monkeypatch.setattr(RidgeRegression, "_solve_dual", lambda *_: "dual")
        monkeypatch.setattr(RidgeRegression, "_solve_primal", lambda *_: "primal")
        assert RidgeRegression(*problem).fit(1.0)[0] == solver


def test_weights_count_like_copies(problem):
    features, targets, _ = problem
    weights = np.where(np.arange(EXAMPLES) % 3, 1.0, 2.0)
    copies = np.repeat(np.arange(EXAMPLES), weights.astype(int))
    kernel, bias = RidgeRegression(features, targets, weights).fit(0.3)
    other, other_bias = RidgeRegression(
        features[copies], targets[copies], np.ones(len(copies))
    ).fit(0.3)
    np.testing.assert_allclose(kernel, other, atol=1e-4)
    np.testing.assert_allclose(bias, other_bias, atol=1e-6)


@pytest.mark.parametrize("solver", ["dual", "primal"])
def test_labels_of_which_nothing_can_be_learned(problem, solver, monkeypatch):
    features, targets, weights = problem
    targets[:, 0], targets[:, 1] = False, True
    use_solver(monkeypatch, solver)
    kernel, bias = RidgeRegression(features, targets, weights).fit(1.0)
    np.testing.assert_allclose(kernel[:, :2], 0, atol=1e-5)
    assert np.abs(kernel[:, 2:]).max() > 0.1
    np.testing.assert_allclose(bias[:2], [-1, 1])


def test_the_given_arrays_stay_as_they_are(problem):
    features, targets, weights = problem
    before = features.copy(), targets.copy(), weights.copy()
    ridge = RidgeRegression(features, targets, weights)
    first = ridge.fit(0.1)[0]
    ridge.fit(3.0)
    np.testing.assert_array_equal(ridge.fit(0.1)[0], first)
    assert (features != before[0]).nnz == 0
    np.testing.assert_array_equal(targets, before[1])
    np.testing.assert_array_equal(weights, before[2])


@pytest.mark.parametrize("block", [1, 7, 70, 1000])
def test_the_gram_matrix(problem, block, monkeypatch):
    monkeypatch.setattr(linear_classifiers, "_BLOCK", block)
    dense = problem[0].toarray()
    np.testing.assert_allclose(gram_matrix(problem[0]), dense @ dense.T, atol=1e-6)


@pytest.mark.parametrize("start", range(6))
@pytest.mark.parametrize("peak", range(6))
def test_the_best_penalty_of_one_peak(peak, start):
    penalties = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    tried = []

    def fit(penalty):
        tried.append(penalties.index(penalty))
        return Fit(1 - abs(tried[-1] - peak) / 10, np.array(penalty), np.zeros(1))

    index, found = best_penalty(fit, penalties, start)
    assert index == peak and found.kernel == penalties[peak]
    assert found.score == 1
    # Each once, and none that is further away than the neighbours of the way.
    assert len(tried) == len(set(tried))
    assert min(tried) >= min(start, peak) - 1 and max(tried) <= max(start, peak) + 1


def test_of_equal_penalties_the_first_one_is_kept():
    index, found = best_penalty(lambda p: Fit(0.5, np.array(p), np.zeros(1)), (1.0, 2.0, 3.0), 1)
    assert index == 1 and found.kernel == 2


@pytest.mark.parametrize(
    ("at_least", "tried"), [(0.2, [2.0]), (0.3, [2.0]), (0.1, [2.0, 3.0, 1.0])]
)
def test_no_other_penalty_is_tried_where_the_first_one_is_no_better(at_least, tried):
    seen = []

    def fit(penalty):
        seen.append(penalty)
        return Fit({1.0: 0.9, 2.0: 0.2, 3.0: 0.1}[penalty], np.zeros(1), np.zeros(1))

    index, _ = best_penalty(fit, (1.0, 2.0, 3.0), 1, at_least)
    assert seen == tried
    assert index == (1 if len(tried) == 1 else 0)
