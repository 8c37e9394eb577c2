"""A fine-tuned checkpoint back as its task and its model."""

import json
import shutil

import numpy as np
import pytest

from common.errors import CheckpointError, InputError
from models.checkpoints.folder import read_checkpoint
from tasks.classification.task import MultiLabel
from tasks.loading import load_task_model
from tests.hostile_files import sign


@pytest.fixture
def changed(run_of, tmp_path):
    """Gives a copy of the tiny fine-tuned checkpoint with another `config.json`."""

    def make(without=None, **changes):
        folder = tmp_path / "checkpoint"
        ignored = shutil.ignore_patterns("last", "logs")
        shutil.copytree(run_of().fine_tuned, folder, ignore=ignored)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | changes
        config.pop(without, None)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        sign(folder)
        return read_checkpoint(folder)

    return make


def test_the_task_and_the_model_of_a_checkpoint(run_of):
    task, model = load_task_model(read_checkpoint(run_of().fine_tuned))
    assert type(task) is MultiLabel and model.task is task
    assert set(task.labels) == {"盗窃", "故意伤害", "诈骗"}
    assert model.ngram_classifier is not None and model.bag_of_words is None
    assert model.ngram_classifier.num_features == len(task.ngrams) > 0
    assert np.asarray(model.ngram_classifier.kernel).any()


def test_a_pre_trained_checkpoint_has_no_task(run_of):
    with pytest.raises(CheckpointError, match="only pre-trained"):
        load_task_model(read_checkpoint(run_of().pretrained))


@pytest.mark.parametrize("key", ["num_labels", "head", "head_dropout", "backbone"])
def test_keys_that_config_json_lacks_are_named(changed, key):
    with pytest.raises(CheckpointError, match=key):
        load_task_model(changed(without=key))


def test_keys_that_earlier_versions_lack(changed):
    task, _ = load_task_model(changed(without="pairs"))
    assert task.pairs is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_labels": -1}, "3 labels, but the model has -1"),
        ({"num_labels": "3"}, "num_labels must be a whole number"),
        ({"task": "ranking"}, "task must be one of multi_label, multi_class"),
        ({"task": 3}, "task must be a string"),
        ({"head": "ranking"}, "head must be one of"),
        ({"head": "pooled"}, "these weights do not belong to the text_cnn model"),
        ({"head_dropout": "much"}, "head_dropout must be a number"),
        ({"head_dropout": 1.5}, "dropout must be at least 0"),
        ({"bag_of_words": 1}, "bag_of_words must be true or false"),
        ({"num_ngrams": "many"}, "num_ngrams must be a whole number"),
        ({"num_ngrams": 7}, r"ngrams\.txt: [\d,]+ n-grams, but the model has 7; it belongs to"),
        ({"pairs": "yes"}, "pairs must be true or false"),
    ],
)
def test_what_cannot_be_is_named(changed, changes, message):
    with pytest.raises((CheckpointError, InputError), match=message):
        load_task_model(changed(**changes))
