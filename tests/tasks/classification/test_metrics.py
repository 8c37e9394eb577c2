"""Figures of decisions, compared with counting and with scikit-learn, and the table of labels."""

import csv
import io

import numpy as np
import pytest
from sklearn.metrics import classification_report, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from tasks.classification.decisions import decide
from tasks.classification.metrics import classification_metrics, f1_of, label_table
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
