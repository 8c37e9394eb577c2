"""Results, records and thresholds of both classification tasks."""

import json

import numpy as np
import pytest
from scipy.special import logit

from common.errors import CheckpointError
from data_util.reading.labels import LabelSet
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.checkpoints.folder import Checkpoint
from tasks.classification.classification import stored_thresholds
from tasks.classification.task import MultiLabel
from tasks.data import TextEncoder

LABELS = LabelSet(["A", "B", "C"])
TEXT = TextEncoder(make_tokenizer("space"), Vocabulary([*RESERVED, "a", "b"]), 16)


def results(task, probabilities, top_k=0):
    outputs = [logit(np.array([probabilities], np.float32))]
    return task.results([()], outputs, top_k)[0]


def test_results():
    task = MultiLabel(LABELS, threshold=0.5)
    assert results(task, [0.25, 0.75, 0.5]) == {
        "labels": [{"label": "B", "probability": 0.75}, {"label": "C", "probability": 0.5}]
    }
    # None reaches its threshold: the most probable one alone.
    found = results(task, [0.1, 0.2, 0.3], top_k=2)
    assert [entry["label"] for entry in found["labels"]] == ["C"]
    assert [entry["label"] for entry in found["top"]] == ["C", "B"]
    assert len(results(task, [0.1, 0.2, 0.3], top_k=99)["top"]) == 3
    task.use_threshold(0.2)
    assert len(results(task, [0.25, 0.75, 0.1])["labels"]) == 2
    assert task.results([], []) == []


@pytest.mark.parametrize("length", [0, 14, 15])
def test_tokens_that_are_read_of_a_text(length):
    assert MultiLabel(LABELS).read_lengths([length], TEXT) == [min(length, 14)]


def test_tokens_that_are_read_of_a_pair():
    task = MultiLabel(LABELS, pairs=True)
    assert task.read_lengths([20, 3], TEXT) == [10, 3]
    assert task.read_lengths([9, 9], TEXT) == [7, 6]
    assert task.read_lengths([0, 4], TEXT) == [0, 4]


def test_records():
    single, pairs = MultiLabel(LABELS), MultiLabel(LABELS, pairs=True)
    assert single.record({"text": "a"}) == "a"
    assert pairs.record({"text_a": "a", "text_b": "b"}) == ("a", "b")
    assert single.is_empty(" \n") and not single.is_empty("a")
    assert pairs.is_empty(("a", " ")) and not pairs.is_empty(("a", "b"))


def test_inputs_of_pairs():
    task = MultiLabel(LABELS, pairs=True)
    encoded = task.encode([("a b", "b"), ("x", "a")], TEXT)
    inputs = task.inputs(encoded, TEXT)
    assert inputs["token_ids"][:, :6].tolist() == [[2, 5, 6, 3, 6, 3], [2, 1, 3, 5, 3, 0]]
    assert inputs["segment_ids"][:, :6].tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]]
    assert inputs["example"].tolist() == [0, 1]


def checkpoint_with(tmp_path, metrics):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics))
    return Checkpoint(tmp_path, {}, {"metrics.json": path})


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({}, "thresholds must be a table, not None"),
        ({"thresholds": [0.5, 0.5]}, "thresholds must be a table"),
        ({"thresholds": {"盗窃": 0.5}}, "for the label '诈骗', not None"),
        ({"thresholds": {"盗窃": 0.5, "诈骗": "0.5"}}, "not '0.5'"),
        ({"thresholds": {"盗窃": 0.5, "诈骗": True}}, "not True"),
        ({"thresholds": {"盗窃": 0.5, "诈骗": 7}}, "not 7"),
        ({"thresholds": {"盗窃": 0.5, "诈骗": float("nan")}}, "not nan"),
    ],
)
def test_thresholds_that_were_altered_by_hand(tmp_path, metrics, message):
    checkpoint = checkpoint_with(tmp_path, metrics)
    with pytest.raises(CheckpointError, match=rf"metrics\.json: .*{message}"):
        stored_thresholds(checkpoint, ["盗窃", "诈骗"])


def test_thresholds_of_a_checkpoint(tmp_path):
    good = {"thresholds": {"盗窃": 0.5, "诈骗": 1, "more": None}}
    assert stored_thresholds(checkpoint_with(tmp_path, good), ["盗窃", "诈骗"]) == [0.5, 1.0]
