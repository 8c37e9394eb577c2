"""The solvers against the closed form, and labels of which nothing can be learned."""

from collections.abc import Callable

import numpy as np
import pytest

from tasks.classification.linear_classifiers import SOLVERS, Solution, fit, ridge_regression
from tasks.classification.tfidf_classifier import counts, features
from tests.tasks.classification.test_tfidf_classifier import VOCABULARY, corpus


def test_ridge_regression_is_its_closed_form() -> None:
    """(X'X + alpha I)^-1 X'y over centred columns: Hastie, Tibshirani & Friedman, equation 3.44."""
    documents, targets = corpus()
    matrix = features(counts(documents, VOCABULARY, 30), np.ones(VOCABULARY, np.float32))
    x, y = matrix.toarray(), np.where(targets, 1.0, -1.0)
    centred = x - x.mean(axis=0)
    expected = np.linalg.solve(
        centred.T @ centred + 0.5 * np.eye(VOCABULARY), centred.T @ (y - y.mean(axis=0))
    )
    kernel, bias = fit(matrix, targets, ridge_regression, 0.5)
    # Conjugate gradients stop at a hundredth.
    np.testing.assert_allclose(kernel, expected, atol=0.02 * np.abs(expected).max())
    np.testing.assert_allclose(bias, y.mean(axis=0) - x.mean(axis=0) @ expected, atol=0.02)


@pytest.mark.parametrize("solve", [solve for solve, _ in SOLVERS.values()])
def test_labels_that_nothing_can_be_learned_of(solve: Callable[..., Solution]) -> None:
    documents, targets = corpus()
    targets[:, 0], targets[:, 1] = False, True
    matrix = features(counts(documents, VOCABULARY, 30), np.ones(VOCABULARY, np.float32))
    kernel, bias = fit(matrix, targets, solve, 1.0)
    assert not kernel[:, :2].any() and kernel[:, 2:].any()
    assert bias[0] == -1 and bias[1] == 1
    one, _ = fit(matrix, targets[:, 2:3], solve, 1.0)
    np.testing.assert_array_equal(one[:, 0], kernel[:, 2])
