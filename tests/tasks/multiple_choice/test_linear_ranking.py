"""Conditional logistic regression, compared with scikit-learn's logistic regression."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tasks.multiple_choice.batches import ComparedChoices
from tasks.multiple_choice.linear_ranking import conditional_logit, fit_mixture, fit_ranking


def questions(random, count, weights, choices=3):
    """Questions whose right choice is drawn by a conditional logit with these weights."""
    features = random.normal(size=(count, choices, len(weights)))
    noise = random.gumbel(size=(count, choices))
    right = (features @ weights + noise).argmax(axis=1)
    return ComparedChoices(
        features.reshape(-1, len(weights)).astype(np.float32),
        np.repeat(np.arange(count), choices),
        (np.arange(choices) == right[:, None]).ravel(),
    )


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_two_choices_are_a_logistic_regression_of_their_difference(penalty):
    random = np.random.default_rng(1)
    found = questions(random, 200, np.array([1.0, -2.0, 0.0]), choices=2)
    weights = conditional_logit(found.features, found.question, found.right, penalty)
    pairs = found.features.reshape(-1, 2, 3)
    model = LogisticRegression(C=1 / penalty, fit_intercept=False, tol=1e-8)
    model.fit(pairs[:, 0] - pairs[:, 1], found.right[::2])
    np.testing.assert_allclose(weights, model.coef_[0], atol=1e-3)


def test_the_weights_are_found_again():
    random = np.random.default_rng(2)
    true = np.array([2.0, -1.0, 0.0])
    train, valid = questions(random, 5000, true, 4), questions(random, 500, true, 4)
    weights, _ = fit_ranking(train, valid)
    np.testing.assert_allclose(weights, true, atol=0.15)
    # Features of another scale give the same scores.
    scale = np.array([100.0, 0.01, 1.0], np.float32)
    scaled = [ComparedChoices(s.features * scale, s.question, s.right) for s in (train, valid)]
    others, _ = fit_ranking(*scaled)
    np.testing.assert_allclose(others * scale, weights, atol=1e-2)


def test_few_questions_get_small_weights():
    random = np.random.default_rng(3)
    nothing = np.zeros(40)
    train, valid = questions(random, 30, nothing), questions(random, 300, nothing)
    weights, penalty = fit_ranking(train, valid)
    assert penalty == 1000.0 and np.abs(weights).max() < 0.05


def test_the_mixture_leaves_out_what_is_of_no_use():
    random = np.random.default_rng(4)
    found = questions(random, 400, np.array([1.5, 0.0]))
    good, noise = found.features.T
    network, linear = fit_mixture(good, noise, found.question, found.right)
    assert network == pytest.approx(1.5, abs=0.3) and linear < 0.2
    network, _ = fit_mixture(-good, noise, found.question, found.right)
    assert network == 0.0, "what is wrong is not turned around"


def test_with_few_questions_both_count_alike():
    few = questions(np.random.default_rng(5), 9, np.array([1.0]))
    scores = few.features[:, 0]
    assert fit_mixture(scores, scores, few.question, few.right) == (1.0, 1.0)
