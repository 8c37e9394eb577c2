import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from tasks.classification import metrics as module
from tasks.classification.decisions import decide
from tasks.classification.metrics import (
    SLOPES,
    best_shift,
    best_thresholds,
    classification_metrics,
    f1_of,
    label_table,
    log_frequencies,
)
from tasks.classification.options import SCORES
from tests.tasks.classification import thresholds


def f1_by_counts(targets, decisions):
    """F1 of each label and of all together, from true and false positives and misses."""
    hits = (targets & decisions).sum(axis=0).astype(float)
    wrong = (~targets & decisions).sum(axis=0)
    missed = (targets & ~decisions).sum(axis=0)

    def f1(hits, wrong, missed):
        return 2 * hits / (2 * hits + wrong + missed) if hits else 0.0

    each = [f1(*counts) for counts in zip(hits, wrong, missed, strict=True)]
    return each, f1(hits.sum(), wrong.sum(), missed.sum())


def random_case(seed, documents=40, labels=6):
    rng = np.random.default_rng(seed)
    targets = rng.random((documents, labels)) < rng.random(labels) * 0.6
    decisions = targets ^ (rng.random((documents, labels)) < 0.2)
    if seed % 3 == 0:
        targets[:, 0] = False  # a label that is never true
    if seed % 4 == 0:
        targets[:, 1] = decisions[:, 1] = False  # one that is neither true nor predicted
    return targets, decisions


@pytest.mark.parametrize("seed", range(12))
def test_figures_by_counting(seed):
    targets, decisions = random_case(seed)
    each, micro = f1_by_counts(targets, decisions)
    figures = classification_metrics(targets, decisions)
    present = [f1 for f1, is_there in zip(each, targets.any(axis=0), strict=True) if is_there]
    assert figures == pytest.approx(
        {
            "micro_f1": micro,
            "macro_f1": np.mean(each),
            "macro_f1_present": np.mean(present),
            "f1": (micro + np.mean(each)) / 2,
        }
    )
    assert {type(figure) for figure in figures.values()} == {float}


@pytest.mark.parametrize("seed", range(4))
def test_figures_equal_scikit_learns_on_lists_of_labels(seed):
    targets, decisions = random_case(seed)
    names = np.array(["a", "b", "c", "d", "e", "f"])
    binarize = MultiLabelBinarizer(classes=list(names))
    truth = binarize.fit_transform([names[row] for row in targets])
    predicted = binarize.transform([names[row] for row in decisions])
    report = classification_report(truth, predicted, output_dict=True, zero_division=0)
    figures = classification_metrics(targets, decisions)
    assert figures["micro_f1"] == pytest.approx(report["micro avg"]["f1-score"])
    assert figures["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])


def test_figures_of_one_label_a_document_equal_scikit_learns_on_classes():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 60)
    predicted = np.where(rng.random(60) < 0.6, truth, rng.integers(0, 5, 60))
    eye = np.eye(5, dtype=bool)
    figures = classification_metrics(eye[truth], eye[predicted])
    assert figures["micro_f1"] == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert figures["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    # With one label a document, true and predicted, micro F1 is the accuracy.
    assert figures["micro_f1"] == pytest.approx((truth == predicted).mean())


def test_figures_by_hand():
    #                      A  B  C  D
    targets = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]], bool)
    decisions = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], bool)
    # A: 1 hit, 1 missed: 2/3. B: 2 hits: 1. C: 1 wrong: 0. D: nothing: 0.
    # All: 3 hits, 1 wrong, 1 missed: 6/8.
    assert classification_metrics(targets, decisions) == pytest.approx(
        {
            "micro_f1": 6 / 8,
            "macro_f1": (2 / 3 + 1) / 4,
            "macro_f1_present": (2 / 3 + 1) / 2,
            "f1": (6 / 8 + 5 / 12) / 2,
        }
    )


def test_extremes():
    eye = np.eye(3, dtype=bool)
    assert set(classification_metrics(eye, eye).values()) == {1.0}
    assert set(classification_metrics(eye, ~eye).values()) == {0.0}
    nothing = np.zeros((3, 3), bool)
    assert set(classification_metrics(nothing, nothing).values()) == {0.0}
    one = np.ones((4, 1), bool)
    assert set(classification_metrics(one, one).values()) == {1.0}


def test_multi_label_decisions():
    probabilities = np.array([[0.9, 0.6, 0.1], [0.4, 0.49, 0.3], [0.5, 0.2, 0.2]])
    decisions = decide(probabilities, np.full(3, 0.5))
    np.testing.assert_array_equal(decisions, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])
    assert decisions.dtype == bool


def test_thresholds_are_of_each_label():
    probabilities = np.array([[0.3, 0.6, 0.9], [0.15, 0.6, 0.3], [0.1, 0.69, 0.3]])
    decisions = decide(probabilities, np.array([0.2, 0.7, 0.95]))
    # Where none reaches it, the highest odds relative to the odds of the threshold:
    # (3/17) / (1/4) = 0.71, (3/2) / (7/3) = 0.64, (3/7) / 19 = 0.02;
    # (1/9) / (1/4) = 0.44, (69/31) / (7/3) = 0.95.
    np.testing.assert_array_equal(decisions, [[1, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_multi_class_decisions():
    probabilities = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    decisions = decide(probabilities, np.zeros(3), exclusive=True)
    np.testing.assert_array_equal(decisions, [[1, 0, 0], [0, 0, 1]])


def test_no_documents():
    assert decide(np.zeros((0, 3)), np.zeros(3)).shape == (0, 3)


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.booleans(),
)
def test_every_document_gets_a_label(probabilities, thresholds, exclusive):
    probabilities, thresholds = np.array(probabilities), np.array(thresholds)
    before = probabilities.copy()
    decisions = decide(probabilities, thresholds, exclusive=exclusive)
    np.testing.assert_array_equal(probabilities, before)
    assert decisions.any(axis=1).all()
    if exclusive:
        assert (decisions.sum(axis=1) == 1).all()
        assert (probabilities[decisions] == probabilities.max(axis=1)).all()
    else:
        reached = (probabilities >= thresholds).any(axis=1)
        np.testing.assert_array_equal(decisions[reached], (probabilities >= thresholds)[reached])
        assert (decisions[~reached].sum(axis=1) == 1).all()


def test_label_table_runs_nothing():
    one = np.ones((1, 1), bool)
    table = label_table(['=HYPERLINK("x")'], np.ones(1), one, one, np.full(1, 0.5))
    assert [row["label"] for row in csv.DictReader(io.StringIO(table))] == ['\'=HYPERLINK("x")']


def test_label_table():
    labels = ["盗窃", '走私、"贩卖",运输', "未见"]
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], bool)
    decisions = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], bool)
    table = label_table(labels, np.array([40, 7, 0]), targets, decisions, np.array([0.5, 0.3, 0.5]))
    assert "\r" not in table
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["label"] for row in rows] == labels
    assert rows[0] == {
        "label": "盗窃",
        "training_documents": "40",
        "documents": "2",
        "predicted": "2",
        "precision": "0.5000",
        "recall": "0.5000",
        "f1": "0.5000",
        "threshold": "0.5000",
    }
    assert [rows[1][name] for name in ("documents", "predicted", "f1")] == ["2", "2", "1.0000"]
    assert [rows[2][name] for name in ("documents", "predicted", "f1")] == ["0", "0", "0.0000"]
    assert rows[1]["threshold"] == "0.3000"


@pytest.mark.parametrize("labels", [1, 2])
def test_label_table_of_few_labels(labels):
    targets = np.ones((2, labels), bool)
    names = ["A", "B"][:labels]
    table = label_table(names, np.ones(labels), targets, targets, np.full(labels, 0.5))
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["label"], row["documents"], row["f1"]) for row in rows] == [
        (name, "2", "1.0000") for name in names
    ]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("exclusive", [False, True])
def test_the_fast_f1_is_that_of_scikit_learn(seed, exclusive):
    logits, targets, _ = thresholds.case(seed)
    if seed % 3 == 0:
        targets[:, 0] = False
    probabilities, limits = thresholds.probabilities(logits), np.linspace(0.2, 0.6, 6)
    decisions = decide(probabilities, limits, exclusive=exclusive)
    found = f1_of(targets, decisions)
    assert found == pytest.approx(thresholds.f1_of(targets, decisions))
    of_scikit_learn = classification_metrics(targets, decisions)
    for score in SCORES:
        assert f1_of(targets, decisions, score) == pytest.approx(of_scikit_learn[score])


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


def test_results_may_be_empty():
    probabilities = np.array([[0.9, 0.6], [0.4, 0.49], [0.5, 0.2]])
    decisions = decide(probabilities, np.full(2, 0.5), at_least_one=False)
    np.testing.assert_array_equal(decisions, [[1, 1], [0, 0], [1, 0]])
    exclusive = decide(probabilities, np.full(2, 0.5), exclusive=True, at_least_one=False)
    np.testing.assert_array_equal(exclusive, [[1, 0], [0, 1], [1, 0]])


def test_the_nearest_of_extreme_probabilities():
    """Odds of a millionth differ, too, and a threshold of 1 is further away than any other."""
    probabilities = np.array([[1e-9, 3e-9, 2e-9], [0.3, 0.6, 0.7]], np.float32)
    np.testing.assert_array_equal(
        decide(probabilities, np.array([1e-7, 1e-6, 1.0])), [[1, 0, 0], [1, 1, 0]]
    )
    np.testing.assert_array_equal(decide(probabilities, np.ones(3)), [[0, 1, 0], [0, 0, 1]])


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
