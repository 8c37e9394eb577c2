"""What a classification task reads from its checkpoint."""

import json

import numpy as np
import pytest

from common.errors import CheckpointError, InputError
from data_util.tokens.ngram_table import NgramTable
from models.checkpoints.folder import Checkpoint
from tasks.classification.stored import stored_flag, stored_ngrams, stored_thresholds

TABLE = NgramTable.build([["猫", "狗"], ["猫", "狗"], ["狗"]])


@pytest.fixture
def checkpoint(tmp_path):
    """With this configuration and these files."""

    def make(config=None, **files):
        paths = {}
        for name, content in files.items():
            name = {"metrics": "metrics.json", "ngrams": "ngrams.txt"}[name]
            paths[name] = tmp_path / name
            paths[name].write_text(content, encoding="utf-8")
        return Checkpoint(tmp_path, config or {}, paths)

    return make


def test_ngrams_of_a_checkpoint(checkpoint):
    found = stored_ngrams(checkpoint({"num_ngrams": len(TABLE)}, ngrams=TABLE.to_text()))
    assert found.ngrams == TABLE.ngrams
    np.testing.assert_array_equal(found.frequencies, TABLE.frequencies)
    assert found.documents == 3


@pytest.mark.parametrize("config", [{}, {"num_ngrams": 0}])
def test_a_checkpoint_without_ngrams(checkpoint, config):
    assert stored_ngrams(checkpoint(config)) is None


@pytest.mark.parametrize("number", [len(TABLE) - 1, len(TABLE) + 1, 10**12, -1])
def test_ngrams_of_another_checkpoint(checkpoint, number):
    with pytest.raises(
        CheckpointError,
        match=rf"ngrams\.txt: {len(TABLE)} n-grams, but the model has {number:,}; it belongs",
    ):
        stored_ngrams(checkpoint({"num_ngrams": number}, ngrams=TABLE.to_text()))


@pytest.mark.parametrize("number", ["7", 7.0, True, None])
def test_a_number_of_ngrams_that_cannot_be(checkpoint, number):
    with pytest.raises(CheckpointError, match="num_ngrams"):
        stored_ngrams(checkpoint({"num_ngrams": number}, ngrams=TABLE.to_text()))


def test_ngrams_that_were_altered_by_hand(checkpoint):
    broken = TABLE.to_text().replace("w1\t猫\t2", "w1\t猫")
    with pytest.raises(InputError, match=r"ngrams\.txt:3: expected `kind"):
        stored_ngrams(checkpoint({"num_ngrams": len(TABLE)}, ngrams=broken))


def test_ngrams_that_are_missing(checkpoint):
    with pytest.raises(CheckpointError, match=r"ngrams\.txt"):
        stored_ngrams(checkpoint({"num_ngrams": 3}))


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
def test_thresholds_that_were_altered_by_hand(checkpoint, metrics, message):
    with pytest.raises(CheckpointError, match=rf"metrics\.json: .*{message}"):
        stored_thresholds(checkpoint(metrics=json.dumps(metrics)), ["盗窃", "诈骗"])


def test_thresholds_of_a_checkpoint(checkpoint):
    good = {"thresholds": {"盗窃": 0.5, "诈骗": 1, "more": None}}
    found = stored_thresholds(checkpoint(metrics=json.dumps(good)), ["盗窃", "诈骗"])
    assert found == [0.5, 1.0]


def test_flags_that_earlier_versions_lack(checkpoint):
    assert stored_flag(checkpoint({}), "calibrated", default=False) is False
    assert stored_flag(checkpoint({}), "at_least_one", default=True) is True
    assert stored_flag(checkpoint({"at_least_one": False}), "at_least_one", default=True) is False
    with pytest.raises(CheckpointError, match="at_least_one"):
        stored_flag(checkpoint({"at_least_one": 1}), "at_least_one", default=True)
