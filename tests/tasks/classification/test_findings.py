import numpy as np
import pytest

from data_util.reading.documents import Document
from reports.blocks import Examples, LineChart, ScatterChart, Sentences, Table
from tasks.classification.findings import example_of, findings_of
from tasks.classification.outcome import Outcome

LABELS = ("theft", "fraud", "assault")
# Right; theft taken for fraud twice; assault missed.
TARGETS = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 1]], bool)
DECISIONS = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]], bool)
PROBABILITIES = np.where(DECISIONS, 0.95, 0.05)
OUTCOME = Outcome(LABELS, TARGETS, PROBABILITIES, DECISIONS, np.array([0.1, 4.0, 3.0, 2.0]))
TRAINING = np.array([100, 10, 0])


def blocks_of(findings, kind):
    return [each for section in findings.sections for each in section.blocks if type(each) is kind]


def found(outcome=OUTCOME, training=TRAINING, examples=(), mixtures=(), exclusive=False):
    return findings_of(outcome, training, examples, mixtures, exclusive=exclusive)


def test_lines_for_the_log():
    assert found().lines == [
        "test: 3 of 4 with a wrong or a missed label",
        "  most frequent (true → predicted): theft → fraud 2, assault → — 1",
        "  labels with most errors: theft (2 missed, 0 wrong), fraud (0 missed, 2 wrong), "
        "assault (1 missed, 0 wrong)",
    ]


def test_tables():
    confusions, labels, reliability = blocks_of(found(), Table)
    assert list(confusions.rows) == [["theft", "fraud", 2], ["assault", "—", 1]]
    # F1 by hand: theft 2 * 1 / (3 + 1), fraud 2 * 1 / (1 + 3).
    assert list(labels.rows) == [
        ["theft", 2, 2, 0, 3, 0.5, 100],
        ["fraud", 2, 0, 2, 1, 0.5, 10],
        ["assault", 1, 1, 0, 1, 0.0, 0],
    ]
    # 8 of 0.05, of which 3 are true; 4 of 0.95, of which 2 are.
    assert [row[2] for row in reliability.rows] == [8, 4]
    assert [row[1] for row in reliability.rows] == pytest.approx([3 / 8, 2 / 4])
    assert [row[0] for row in reliability.rows] == pytest.approx([0.05, 0.95])


def test_the_reliability_of_one_of_many_is_that_of_the_top_label():
    *_, reliability = blocks_of(found(exclusive=True), Table)
    assert [list(row) for row in reliability.rows] == [[pytest.approx(0.95), 0.5, 4]]


def test_labels_by_training_documents():
    (chart,) = blocks_of(found(), ScatterChart)
    assert [point[:2] for point in chart.points] == [(100, 0.5), (10, 0.5), (0, 0.0)]
    assert chart.points[0][2] == "theft: F1 0.500, 100 training documents, 3 in the test"
    unknown = found(training=None)
    assert blocks_of(unknown, ScatterChart) == []
    assert "does not say how many training documents" in unknown.sections[0].about
    assert [len(row) for row in blocks_of(unknown, Table)[1].rows] == [6, 6, 6]


def test_both_parts_of_the_model():
    mixtures = [
        {"network_f1": 0.2, "linear_f1": 0.5, "network_weight": 0.0, "linear_weight": 2.0},
        {"network_f1": 0.6, "linear_f1": 0.5, "network_weight": 1.0, "linear_weight": 0.5},
    ]
    f1, weights, _ = blocks_of(found(mixtures=mixtures), LineChart)
    assert [series.points for series in f1.series] == [[(1, 0.2), (2, 0.6)], [(1, 0.5), (2, 0.5)]]
    assert [series.points[1][1] for series in weights.series] == [1.0, 0.5]
    assert len(blocks_of(found(), LineChart)) == 1


def test_a_document():
    document = Document("x" * 400, (), "test.txt", 12)
    example = example_of(OUTCOME, 1, document, ["wire transfer", "account"])
    assert (example.place, example.texts) == ("test.txt:12", ["x" * 300 + " …"])
    assert [(fact.name, fact.value) for fact in example.facts] == [
        ("true, missed", "theft (0.050)"),
        ("predicted, wrong", "fraud (0.950)"),
        ("spoke for it", "wire transfer · account"),
        ("loss", "4.00"),
    ]
    pair = example_of(OUTCOME, 3, Document("one", (), "f", 1, "other"), ["quiet"])
    assert pair.texts == ["one", "other"]
    assert [(fact.name, fact.value) for fact in pair.facts] == [
        ("true, missed", "assault (0.050)"),
        ("right", "fraud (0.950)"),
        ("spoke against it", "quiet"),
        ("loss", "2.00"),
    ]
    assert blocks_of(found(examples=[example]), Examples) == [Examples([example])]


def test_nothing_is_wrong():
    right = Outcome(LABELS, TARGETS, PROBABILITIES, TARGETS, np.zeros(4))
    assert found(right).lines == ["no test document has a wrong label"]
    assert blocks_of(found(right), Sentences) == [Sentences(["No document has a wrong label."])]
    assert len(blocks_of(found(right), Table)) == 1  # That of the probabilities.
