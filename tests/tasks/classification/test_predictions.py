import json

import numpy as np
import pytest

from common.errors import InputError
from data_util.reading.documents import Document
from tasks.classification import predictions
from tasks.classification.outcome import Outcome
from tasks.classification.predictions import predictions_of

OUTCOME = Outcome(
    ("A", "B", "C"),
    np.array([[1, 0, 0], [0, 1, 1], [1, 0, 0]], bool),
    np.array([[0.9, 0.2, 0.1], [0.8, 0.3, 0.6], [0.4, 0.3, 0.1234567]]),
    np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0]], bool),
    np.array([0.1, 2.0, 0.5]),
)


def documents(count=3, text="text"):
    return [Document(f"{text} {i}", ("ignored",), "test.txt", 2 * i + 1) for i in range(count)]


def test_lines_by_hand():
    lines, shown = predictions_of(OUTCOME, documents(), [1])
    assert [json.loads(line) for line in lines.splitlines()][:2] == [
        {
            "file": "test.txt",
            "line": 1,
            "text": "text 0",
            "correct": True,
            "true": [{"label": "A", "probability": 0.9}],
            "predicted": [{"label": "A", "probability": 0.9}],
        },
        {
            "file": "test.txt",
            "line": 3,
            "text": "text 1",
            "correct": False,
            "true": [{"label": "C", "probability": 0.6}, {"label": "B", "probability": 0.3}],
            "predicted": [{"label": "A", "probability": 0.8}, {"label": "C", "probability": 0.6}],
        },
    ]
    assert lines.endswith("}\n") and lines.count("\n") == 3
    assert shown == {1: documents()[1]}


def test_texts_are_cut_and_pairs_have_two():
    pairs = [Document("x" * 100, (), "f", i, "y" * 90) for i in range(3)]
    lines, _ = predictions_of(OUTCOME, pairs, [])
    first = json.loads(lines.splitlines()[0])
    assert (first["text"], first["text_b"]) == ("x" * 80, "y" * 80)


def test_of_many_examples_the_worst_wrong_ones(monkeypatch):
    monkeypatch.setattr(predictions, "MAX_LINES", 2)
    lines, shown = predictions_of(OUTCOME, documents(), [1])
    assert [json.loads(line)["line"] for line in lines.splitlines()] == [3]
    assert set(shown) == {1}


@pytest.mark.parametrize("count", [0, 2, 4])
def test_files_that_have_changed(count, caplog):
    assert predictions_of(OUTCOME, documents(count), []) is None
    assert "their files have changed" in caplog.text


def test_files_that_are_gone(caplog):
    def gone():
        yield documents()[0]
        raise InputError("there is no such file", "test.txt")

    assert predictions_of(OUTCOME, gone(), []) is None
    assert "cannot be listed: test.txt: there is no such file" in caplog.text
