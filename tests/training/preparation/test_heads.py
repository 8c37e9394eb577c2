import hashlib
import json
import logging

import numpy as np
import pytest

from common.errors import CheckpointError
from models.checkpoints.folder import MENTION_LABELS, read_checkpoint
from models.checkpoints.weights import load_model
from tasks.loading import load_task_model
from tests.conftest import functions_run
from train_bert_lm import pretrain
from training import fine_tuning
from training.options.scripts import FineTuningOptions, PretrainingOptions


@pytest.fixture(scope="module")
def pretrained(tiny, tmp_path_factory):
    """A checkpoint that has learned two of the three labels, and one more."""
    folder = tmp_path_factory.mktemp("mentions")
    (folder / "names.txt").write_text("诈骗\t骗取\n抢劫\t口角\n盗窃\n", encoding="utf-8")
    values = {"ckpt_dir": str(folder / "lm"), "label_names_file": str(folder / "names.txt")}
    values |= {"objectives": ["masked_lm", "label_mention"], "learning_rate": 0.01}
    with functions_run(eagerly=True):
        pretrain(PretrainingOptions(**tiny.pretraining(**values, num_epochs=1)))
    return folder / "lm"


@pytest.fixture
def build(tiny):
    def build(folder, **changes):
        options = FineTuningOptions(**tiny.fine_tuning(ckpt_dir=str(folder), **changes))
        checkpoint = fine_tuning.open_checkpoint(options)
        data = fine_tuning.prepare_data(options, checkpoint)
        return fine_tuning.build_model(options, data, checkpoint)[0], data

    return build


def test_the_head_starts_from_label_mention(build, pretrained, caplog):
    caplog.set_level(logging.INFO)
    model, data = build(pretrained)
    assert "starts from the label_mention head, with the scores of 2 of 3 labels" in caplog.text
    learned = load_model(read_checkpoint(pretrained)).heads[1].head
    for ours, theirs in zip(
        model.head.detectors.get_weights(), learned.detectors.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    kernel, bias = model.head.scores.get_weights()
    learned_kernel, learned_bias = learned.scores.get_weights()
    priors = data.task.bias(data.targets("train").mean(axis=0))
    assert np.abs(learned_bias).min() > 0
    for index, label in enumerate(data.task.labels):
        place = {"诈骗": 0, "盗窃": 2}.get(label)
        if place is None:
            assert bias[index] == pytest.approx(priors[index], rel=1e-5)
            assert (np.abs(kernel[:, index, None] - learned_kernel).max(axis=0) > 0).all()
        else:
            assert bias[index] == pytest.approx(priors[index] + learned_bias[place], rel=1e-4)
            np.testing.assert_array_equal(kernel[:, index], learned_kernel[:, place])


def test_other_heads_and_other_checkpoints_start_as_they_did(build, pretrained, run_of, caplog):
    caplog.set_level(logging.INFO)
    build(pretrained, head="pooled")
    build(run_of().pretrained)
    assert "label_mention" not in caplog.text


def test_the_head_of_a_fine_tuned_checkpoint_gets_other_labels(
    build, tiny, run_of, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    files = {}
    for split in ("train", "valid", "test"):
        path = tmp_path / f"{split}.txt"
        path.write_text(tiny.file(split).read_text("utf-8").replace("__诈骗", "__抢劫"), "utf-8")
        files["training_data_file" if split == "train" else f"{split}_data_file"] = [str(path)]
    folder = run_of().fine_tuned
    model, data = build(folder, **files)
    said = "2 labels keep their weights, 1 is new (抢劫), 1 is dropped (诈骗)"
    assert f"{folder}: {said}" in caplog.messages
    before, source = load_task_model(read_checkpoint(folder))
    kernel, bias = model.head.scores.get_weights()
    learned_kernel, learned_bias = source.head.scores.get_weights()
    for index, label in enumerate(data.task.labels):
        if label == "抢劫":
            priors = data.task.bias(data.targets("train").mean(axis=0))
            assert bias[index] == pytest.approx(priors[index], rel=1e-5)
        else:
            place = before.labels.index(label)
            np.testing.assert_array_equal(kernel[:, index], learned_kernel[:, place])
            assert bias[index] == learned_bias[place]
    # Thresholds are chosen, and the n-grams' weights are fitted, on the new examples.
    assert (data.task.thresholds == 0.5).all()
    assert not model.ngram_classifier.is_filled
    build(folder, head="pooled", **files)
    assert "the head starts from random weights" in caplog.messages[-1]


def test_a_list_of_labels_of_another_model(build, pretrained, tmp_path):
    for path in pretrained.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    content = "诈骗\n盗窃\n".encode()
    (tmp_path / MENTION_LABELS).write_bytes(content)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    described = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"][MENTION_LABELS] = described
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        CheckpointError, match=r"mention_labels\.txt: 2 labels, but the model has 3"
    ):
        build(tmp_path)
