"""The linear classifier beside the network: what is fitted."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import Ridge

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.ngrams import KINDS
from data_util.tokens.sparse_rows import SparseRows
from tasks.classification import tfidf_classifier
from tasks.classification.tfidf_classifier import PENALTIES, WEIGHTS, TfidfClassifier
from tests.tasks.classification.made_texts import (
    LABELS,
    dense,
    f1_over,
    layer_for,
    made_data,
    texts_of,
)

W1, C2 = KINDS.index("w1"), KINDS.index("c2")


def test_a_resumed_run_keeps_its_classifier(data):
    layer = layer_for(data)
    kernel = np.random.default_rng(0).normal(size=layer.kernel.shape).astype(np.float32)
    bias = np.array([-1.0, -0.5, 0.5, 0.0], np.float32)
    layer.fill(kernel, bias)
    nothing = np.zeros((60, LABELS), np.float32)
    seen = []

    def f1(logits):
        seen.append(logits)
        return float(len(seen) == len(WEIGHTS))

    TfidfClassifier(layer, data).choose_weights(nothing, f1)
    np.testing.assert_array_equal(np.asarray(layer.kernel), kernel)
    np.testing.assert_array_equal(np.asarray(layer.bias), bias)
    # And it is weighed anew: the last pair of weights is 0 and 2.
    decisions = dense(data.ngrams["valid"], len(kernel)) @ kernel + bias
    evidence = 2 * logit(np.clip((decisions + 1) / 2, 0.01, 0.99))
    np.testing.assert_allclose(seen[-1], evidence - evidence.mean(), atol=1e-3)
    assert len(seen) == len(WEIGHTS)


def test_it_is_fitted_once(data, monkeypatch):
    layer = layer_for(data)
    classifier = TfidfClassifier(layer, data)
    f1 = f1_over(data.targets("valid"))
    first, _ = classifier.choose_weights(np.zeros((60, LABELS), np.float32), f1)
    monkeypatch.setattr(tfidf_classifier, "RidgeRegression", None)
    again, _ = classifier.choose_weights(np.zeros((60, LABELS), np.float32), f1)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_weighted_texts_count_as_much_as_they_weigh(data, weight, monkeypatch):
    """As in scikit-learn's ridge regression, over features scaled by the shares of a mixture."""
    shares = np.array([0.5, 0.1, 0.4, 0.0, 0.2, 0.8])
    monkeypatch.setattr(tfidf_classifier, "PENALTIES", (0.3,))
    monkeypatch.setattr(tfidf_classifier, "_FIRST_PENALTY", 0)
    data = made_data(train=texts_of(40, 1), valid=texts_of(60, 2), weighted=texts_of(30, 3))
    data.weights = np.full(30, weight)
    data.table.mixtures = {"one": tuple(shares)}
    layer = layer_for(data)
    width = len(data.table.kinds)
    TfidfClassifier(layer, data).choose_weights(
        np.zeros((60, LABELS), np.float32), f1_over(data.targets("valid"))
    )
    scales = np.sqrt(shares / shares.sum())[data.table.kinds]
    features = np.concatenate([dense(data.ngrams[name], width) for name in ("train", "weighted")])
    signs = np.where(np.concatenate([data.targets("train"), data.targets("weighted")]), 1.0, -1.0)
    weights = np.repeat([1.0, weight], [40, 30])
    bias = np.average(signs, axis=0, weights=weights)
    ridge = Ridge(alpha=0.3, fit_intercept=False)
    ridge.fit(features * scales, signs - bias, sample_weight=weights)
    np.testing.assert_allclose(np.asarray(layer.kernel), ridge.coef_.T * scales[:, None], atol=1e-4)
    np.testing.assert_allclose(np.asarray(layer.bias), bias, atol=1e-6)
    assert np.abs(ridge.coef_).max() > 0.1


@pytest.mark.parametrize(("telling", "mixture"), [(W1, "words"), (C2, "characters")])
def test_the_mixture_with_the_features_that_tell_is_chosen(telling, mixture):
    """40 words and 40 pairs of characters: one of the two is random."""
    generator = np.random.default_rng(0)
    kinds = np.repeat([W1, C2], 40)

    def split(count):
        labels = generator.integers(0, LABELS, count)
        rows = []
        for label in labels:
            parts = []
            for kind in (W1, C2):
                group = label if kind == telling else generator.integers(LABELS)
                chosen = generator.permutation(10)[:4] + 10 * group
                parts.append(chosen + 40 * (kind == C2))
            ids = np.sort(np.concatenate(parts)).astype(np.int32)
            rows.append((ids, np.full(8, 0.5, np.float32)))
        return SparseRows.stack(rows), np.eye(LABELS, dtype=bool)[labels]

    splits = {"train": split(80), "valid": split(80)}
    data = SimpleNamespace(
        ngrams={name: rows for name, (rows, _) in splits.items()},
        table=SimpleNamespace(kinds=kinds, mixtures=NgramTable.mixtures),
        targets=lambda name: splits[name][1],
        weights=None,
        train_weights=None,
    )
    layer = layer_for(data)

    # Exact odds, so that no two mixtures are equally good.
    def likelihood(logits):
        return float(np.exp(-np.logaddexp(0, np.where(splits["valid"][1], -logits, logits)).mean()))

    TfidfClassifier(layer, data).choose_weights(np.zeros((80, LABELS), np.float32), likelihood)
    kernel = np.asarray(layer.kernel)
    assert np.abs(kernel[kinds == telling]).max() > 0.1
    # Kinds that have no share of the mixture have no weights.
    shares = NgramTable.mixtures[mixture]
    has_weights = {kind: bool(kernel[kinds == kind].any()) for kind in (W1, C2)}
    assert has_weights == {kind: shares[kind] > 0 for kind in (W1, C2)}


def test_of_the_penalties_that_with_the_best_f1_is_chosen(data, monkeypatch):
    data.table.mixtures = {"words": NgramTable.mixtures["words"]}
    chosen = []
    for target in PENALTIES:
        fitted = []

        class Ridge:
            def __init__(self, *_):
                pass

            def fit(self, penalty, fitted=fitted):
                fitted.append(penalty)
                return np.full((len(data.table.kinds), LABELS), penalty, np.float32), np.ones(
                    LABELS
                )

        def f1(logits, fitted=fitted, target=target):
            return float(np.exp(-abs(np.log(fitted[-1] / target))))

        monkeypatch.setattr(tfidf_classifier, "RidgeRegression", Ridge)
        layer = layer_for(data)
        TfidfClassifier(layer, data).choose_weights(np.zeros((60, LABELS), np.float32), f1)
        chosen.append(np.asarray(layer.kernel).max())
    # All words have the whole share of the mixture, or that of pairs.
    scale = np.sqrt(1 / 1.3)
    np.testing.assert_allclose(chosen, np.array(PENALTIES) * scale, rtol=1e-5)


def test_texts_without_ngrams_add_nothing():
    """No n-gram at all: nothing is fitted, and the network is alone."""
    empty = SparseRows.stack([(np.zeros(0, np.int32), np.zeros(0, np.float32))] * 5)
    targets = np.eye(5, LABELS, dtype=bool)
    data = SimpleNamespace(
        ngrams={"train": empty, "valid": empty},
        table=SimpleNamespace(kinds=np.zeros(3, np.int64), mixtures=NgramTable.mixtures),
        targets=lambda _: targets,
        weights=None,
        train_weights=None,
    )
    logits = np.random.default_rng(0).normal(size=(5, LABELS)).astype(np.float32)
    together, found = TfidfClassifier(layer_for(data), data).choose_weights(
        logits, f1_over(targets)
    )
    np.testing.assert_array_equal(together, logits)
    assert found["linear_weight"] == 0
