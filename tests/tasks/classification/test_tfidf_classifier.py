"""The linear classifier beside the network: what is fitted, and how the two are mixed."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.ngrams import KINDS
from data_util.tokens.sparse_rows import SparseRows
from models.heads.ngram_classifier import NgramClassifier
from tasks.classification import tfidf_classifier
from tasks.classification.tfidf_classifier import PENALTIES, WEIGHTS, TfidfClassifier

LABELS = 4
W1, C2 = KINDS.index("w1"), KINDS.index("c2")


def texts_of(count, seed):
    """Up to 30 made-up words; a label is there where its word is."""
    generator = np.random.default_rng(seed)
    texts = [
        [f"w{number:02d}" for number in np.minimum(generator.geometric(0.08, size), 55)]
        for size in generator.integers(1, 31, count)
    ]
    return texts, np.array(
        [[f"w{3 + label:02d}" in text for label in range(LABELS)] for text in texts]
    )


def made_data(**splits):
    """The data of texts and their targets, by split."""
    table = NgramTable.build(splits["train"][0])
    targets = {split: of_split for split, (_, of_split) in splits.items()}
    return SimpleNamespace(
        ngrams={
            split: SparseRows.stack(map(table.features, texts))
            for split, (texts, _) in splits.items()
        },
        table=SimpleNamespace(kinds=table.kinds, mixtures=table.mixtures),
        targets=targets.__getitem__,
        weights=None,
        train_weights=None,
    )


@pytest.fixture
def data():
    return made_data(train=texts_of(200, 1), valid=texts_of(60, 2))


def layer_for(data):
    layer = NgramClassifier(len(data.table.kinds), LABELS)
    layer.build()
    return layer


def f1_over(targets):
    """Macro F1 at the threshold of the typical logit, which the weights of both leave alone."""
    return lambda logits: f1_score(
        targets, logits > logits.mean(), average="macro", zero_division=0
    )


def dense(rows, width):
    matrix = np.zeros((len(rows), width))
    for number in range(len(rows)):
        ids, values = rows.row(number)
        matrix[number, ids] = values
    return matrix


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


def test_on_a_near_tie_the_network_has_a_part(data):
    """Only where its loss would be felt is the network left out."""
    nothing = np.zeros((60, LABELS), np.float32)
    for lead, part in ((0.0009, 1 / 8), (0.0011, 0.0)):
        layer, scores = layer_for(data), iter([*[0.3] * (len(WEIGHTS) - 2), 0.6, 0.6 + lead])
        layer.fill(np.ones(layer.kernel.shape), np.zeros(LABELS))
        _, found = TfidfClassifier(layer, data).choose_weights(
            nothing, lambda _, scores=scores: next(scores)
        )
        assert float(layer.network_weight) == found["network_weight"] == part


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
            return -abs(np.log(fitted[-1] / target)) / 10

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
