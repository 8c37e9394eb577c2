import json
import re

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import f1_score, log_loss

from common.errors import CheckpointError, OptionError, TrainingError
from data_util.tokens.sparse_rows import ngram_inputs
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from tasks.classification.evaluation import evaluate, split_logits
from tasks.loading import load_task_model
from tasks.registry import TASKS
from tests.conftest import functions_run
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import fine_tuning
from training.devices.forward import Forward
from training.options.scripts import FineTuningOptions, PretrainingOptions, TransformOptions


@pytest.fixture
def options_of(tiny, run_of, tmp_path):
    def make(**changes):
        values = {"ckpt_dir": str(run_of().pretrained), "ckpt_dir_save": str(tmp_path / "save")}
        values |= {"num_epochs": 1, "batch_size": 64}
        return FineTuningOptions(**tiny.fine_tuning(**(values | changes)))

    return make


def prepared(options):
    checkpoint = fine_tuning.open_checkpoint(options)
    data = fine_tuning.prepare_data(options, checkpoint)
    return checkpoint, data


def test_no_checkpoint(options_of):
    assert fine_tuning.open_checkpoint(options_of(ckpt_dir="")) is None


def test_test_mode_and_full_runs_do_not_mix(options_of, run_of, tmp_path):
    import hashlib
    import shutil

    folder = tmp_path / "lm"
    shutil.copytree(run_of().pretrained, folder)
    config = json.loads((folder / "config.json").read_text()) | {"test_mode": True}
    (folder / "config.json").write_text(json.dumps(config))
    manifest = json.loads((folder / "manifest.json").read_text())
    data = (folder / "config.json").read_bytes()
    manifest["files"]["config.json"] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(OptionError, match="made in --test_mode"):
        fine_tuning.open_checkpoint(options_of(ckpt_dir=str(folder)))
    checkpoint = fine_tuning.open_checkpoint(options_of(ckpt_dir=str(folder), test_mode=True))
    assert checkpoint.config["test_mode"]


def test_train_transform_with_another_backbones_checkpoint_blames_the_checkpoint(
    options_of, run_of
):
    options = TransformOptions(**options_of().to_dict() | {"backbone": "transformer"})
    checkpoint, data = prepared(options)
    with pytest.raises(OptionError) as caught:
        fine_tuning.build_model(options, data, checkpoint)
    message = str(caught.value)
    assert message.startswith(f"--ckpt_dir={run_of().pretrained}: this checkpoint holds a text_cnn")
    assert "train_bert_fine_tuning.py" in message


def test_first_probabilities_are_how_frequent_labels_are(options_of):
    options = options_of()
    checkpoint, data = prepared(options)
    model, report = fine_tuning.build_model(options, data, checkpoint)
    assert report.share == 1
    shares = data.targets("train").mean(axis=0)
    bias = np.asarray(model.head.scores.bias)
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), shares, rtol=1e-5)


@pytest.mark.parametrize("task", ["multi_label", "multi_class"])
def test_figures_by_scikit_learn(options_of, task):
    options = options_of()
    checkpoint, data = prepared(options)
    model, _ = fine_tuning.build_model(options, data, checkpoint)
    kind = TASKS[task](data.task.label_set)
    thresholds = np.array([0.5, 0.3, 0.2])
    targets = data.targets("valid")
    figures, outcome = evaluate(
        kind, split_logits(data, "valid", Forward(model)), targets, thresholds
    )
    decisions = outcome.decisions
    assert decisions.shape == targets.shape == (24, 3)

    # By hand: each document alone, in the order of the file.
    logits = []
    for index in range(24):
        ids = np.array([2, *data.corpora["valid"].tokens(index)[:30], 3], np.int32)[None]
        inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids)}
        inputs["padding_mask"] = np.ones_like(ids, bool)
        inputs |= ngram_inputs([data.ngrams["valid"].row(index)])
        logits.append(np.asarray(model(inputs), "float64")[0])
    logits = np.array(logits)
    if task == "multi_label":
        probabilities = 1 / (1 + np.exp(-logits))
        loss = np.mean(
            [
                log_loss(target, row, labels=[0, 1], normalize=False)
                for target, row in zip(targets, probabilities, strict=True)
            ]
        )
        expected = probabilities >= thresholds
        unsure = ~expected.any(axis=1)
        # The nearest to its threshold, in log-odds.
        expected[unsure, (logits - logit(thresholds))[unsure].argmax(axis=1)] = True
        assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    else:
        expected = np.eye(3, dtype=bool)[logits.argmax(axis=1)]
    np.testing.assert_array_equal(decisions, expected)
    for average in ("micro", "macro"):
        f1 = f1_score(targets, expected, average=average, zero_division=0)
        assert figures[f"{average}_f1"] == pytest.approx(f1)


def test_figures_are_those_of_the_saved_model(options_of, run_of):
    run = run_of()
    _, data = prepared(options_of(batch_size=16))
    task, model = load_task_model(read_checkpoint(run.fine_tuned))
    forward = Forward(model)
    metrics = run.fine_tuning_metrics
    told = {
        "test": metrics["test"],
        "valid": metrics["history"][metrics["best_epoch"] - 1]["valid"],
    }
    thresholds = np.array([metrics["thresholds"][label] for label in data.task.labels])
    for split, expected in told.items():
        logits, targets = split_logits(data, split, forward), data.targets(split)
        figures, _ = evaluate(task, logits, targets, thresholds)
        if split == "valid":
            assert figures.pop("loss") != pytest.approx(expected["loss"], rel=1e-4)
        for name, value in figures.items():
            assert value == pytest.approx(expected[name], rel=1e-4), (split, name)
    # The validation loss is that of the network alone.
    model.leave_to_network()
    logits, targets = split_logits(data, "valid", Forward(model)), data.targets("valid")
    figures, _ = evaluate(task, logits, targets, thresholds)
    assert figures["loss"] == pytest.approx(told["valid"]["loss"], rel=1e-4)


@pytest.mark.parametrize(("rate", "head"), [(0.0, 0.01), (0.01, 0.0)])
def test_learning_rates_of_the_parts(options_of, eagerly, rate, head):
    options = options_of(learning_rate=rate, head_learning_rate=head)
    checkpoint, data = prepared(options)
    model, report = fine_tuning.build_model(options, data, checkpoint)
    backbone = [np.array(v) for v in model.backbone.trainable_variables]
    kernel = np.array(model.head.scores.kernel)
    with fine_tuning.open_folder(options) as folder:
        fine_tuning.train_model(options, data, model, report, folder)
    moved = [
        (np.array(v) != old).any()
        for v, old in zip(model.backbone.trainable_variables, backbone, strict=True)
    ]
    assert any(moved) == (rate > 0)
    assert (np.array(model.head.scores.kernel) != kernel).any() == (head > 0)


def test_restores_what_it_can_when_asked(options_of, caplog):
    options = options_of(max_position=128, num_filters=4)
    checkpoint, data = prepared(options)
    with pytest.raises(OptionError, match=r"--num_filters=4.*num_filters=8"):
        fine_tuning.build_model(options, data, checkpoint)
    options = options.replace(allow_partial_restore=True)
    model, report = fine_tuning.build_model(options, data, checkpoint)
    assert model.backbone.config.num_filters == 4
    assert 0 < report.share < 1
    problems = [message for message in caplog.messages if message.startswith("not restored: ")]
    assert len(problems) == report.of - report.variables > 0


def test_weights_that_do_not_belong(options_of, run_of, tmp_path):
    # A whole folder whose config.json is another backbone's.
    from models.checkpoints.folder import Checkpoint

    source = read_checkpoint(run_of().pretrained)
    other = read_checkpoint(run_of("transformer").pretrained)
    mixed = Checkpoint(source.folder, other.config, source.files)
    options = options_of()
    data = fine_tuning.prepare_data(options, source)
    with pytest.raises(
        CheckpointError, match="these weights do not belong to the transformer model"
    ):
        fine_tuning.build_model(options, data, mixed)


def test_sequences_longer_than_positions(options_of, tiny, tmp_path_factory):
    # A TextCNN has no vectors of positions, so it takes any length.
    for changes, longest in (
        ({"sequence_length": 65}, 65),
        ({"sequence_length": 40, "max_position": 50}, 50),
    ):
        options = options_of(**changes)
        checkpoint, data = prepared(options)
        model, report = fine_tuning.build_model(options, data, checkpoint)
        assert model.backbone.config.max_position == longest
        assert report.share == 1
    with pytest.raises(OptionError, match="--sequence_length=65 exceeds --max_position=64"):
        fine_tuning.build_model(options_of(sequence_length=65, max_position=64), data, checkpoint)


@pytest.fixture(scope="module")
def learned_positions(tiny, tmp_path_factory):
    """The folder of a Transformer whose vectors of positions were trained with 32 tokens."""
    folder = tmp_path_factory.mktemp("learned_positions") / "lm"
    changes = {"position": "learned", "num_epochs": 1, "ckpt_dir": str(folder)}
    with functions_run(eagerly=True):
        pretrain(PretrainingOptions(**tiny.pretraining("transformer", **changes)))
    return folder


@pytest.mark.parametrize("length", [32, 40])
def test_positions_that_were_not_trained(learned_positions, options_of, caplog, length):
    caplog.set_level("INFO")
    folder = learned_positions
    options = options_of(ckpt_dir=str(folder), sequence_length=length)
    checkpoint, data = prepared(options)
    model, _ = fine_tuning.build_model(options, data, checkpoint)
    assert ("trained with 32 tokens" in caplog.text) == (length > 32)
    (ours,) = model.backbone.embeddings.positional_encoding.get_weights()
    (theirs,) = load_model(checkpoint).backbone.embeddings.positional_encoding.get_weights()
    np.testing.assert_array_equal(ours[:32], theirs[:32])
    beyond = theirs[32:63] if length == 32 else theirs[1:32]
    np.testing.assert_array_equal(ours[32:63], beyond)
    # Learned vectors are not made longer without being asked.
    options = options_of(ckpt_dir=str(folder), sequence_length=70)
    with pytest.raises(OptionError, match=r"max_position \(64\).*=70 with --allow_partial_restore"):
        fine_tuning.build_model(options, data, checkpoint)
    options = options.replace(max_position=70, allow_partial_restore=True)
    model, _ = fine_tuning.build_model(options, data, checkpoint)
    (ours,) = model.backbone.embeddings.positional_encoding.get_weights()
    assert len(ours) == 70


def test_rotary_positions_reach_any_length(options_of, run_of, caplog):
    caplog.set_level("INFO")
    options = options_of(ckpt_dir=str(run_of("transformer").pretrained), sequence_length=40)
    checkpoint, data = prepared(options)
    model, report = fine_tuning.build_model(options, data, checkpoint)
    assert model.backbone.config.position == "rotary"
    assert report.share == 1
    assert "trained with" not in caplog.text


def test_a_loss_that_is_no_number_names_the_documents(tiny, options_of, eagerly):
    options = options_of(num_epochs=3, learning_rate=1e30, head_learning_rate=1e30, batch_size=16)
    with pytest.raises(TrainingError, match=r"(loss is|no longer finite)") as raised:
        fine_tune(options)
    lines = re.findall(rf"{re.escape(str(tiny.file('train')))}:(\d+)", str(raised.value))
    assert len(lines) == 8
    assert sorted(set(map(int, lines))) == list(map(int, lines))
    assert " and 8 more)" in str(raised.value)
