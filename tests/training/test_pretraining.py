import json

import numpy as np
import pytest

from common.errors import OptionError, TrainingError
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from train_bert_lm import pretrain
from training import pretraining
from training.options.scripts import PretrainingOptions


def options_of(tiny, tmp_path, **changes):
    return PretrainingOptions(**tiny.pretraining(**{"ckpt_dir": str(tmp_path / "lm")} | changes))


def test_the_splits_share_no_document(tiny, tmp_path):
    data = pretraining.prepare_data(options_of(tiny, tmp_path))
    assert (data.documents, data.tokenizer.style) == (100, "word")
    assert data.tokens > 1000
    first, again = ([batch["token_ids"] for batch in data.valid.batches(0)] for _ in range(2))
    for ours, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    orders = [next(data.train.batches(epoch))["token_ids"] for epoch in (0, 1)]
    assert orders[0].shape != orders[1].shape or (orders[0] != orders[1]).any()


def test_objectives(tiny, tmp_path):
    assert pretraining.objectives(PretrainingOptions()) == ("masked_lm", "next_sentence")
    for chosen, expected in (
        (["next_sentence"], ("next_sentence",)),
        (["next_sentence", "masked_lm"], ("masked_lm", "next_sentence")),
    ):
        assert pretraining.objectives(PretrainingOptions(objectives=chosen)) == expected


@pytest.mark.parametrize("kept", ["masked_lm", "next_sentence"])
def test_one_objective_alone(tiny, tmp_path, eagerly, kept):
    options = options_of(tiny, tmp_path, num_epochs=1, batch_size=64, objectives=[kept])
    metrics = pretrain(options)
    figures = {"loss", f"{kept}_loss", f"{kept}_accuracy"}
    (entry,) = metrics["history"]
    assert set(entry["train"]) == set(entry["valid"]) == figures
    assert entry["train"]["loss"] == pytest.approx(entry["train"][f"{kept}_loss"])
    config = json.loads((tmp_path / "lm" / "config.json").read_text())
    assert config["objectives"] == [kept]
    assert load_model(read_checkpoint(tmp_path / "lm")).objectives == (kept,)


def test_metrics_hold_the_whole_run_when_an_early_epoch_is_best(
    tiny, tmp_path, eagerly, monkeypatch
):
    losses = iter([1.0, 2.0])

    def evaluate(model, batches, figures):
        return {"loss": next(losses), **dict.fromkeys(figures, 0.5)}

    monkeypatch.setattr(pretraining, "evaluate", evaluate)
    options = options_of(tiny, tmp_path, batch_size=64)
    data = pretraining.prepare_data(options)
    model = pretraining.build_model(options, data)
    with pretraining.open_folder(options) as folder:
        metrics = pretraining.train_model(options, data, model, folder)
    assert (metrics["best_epoch"], len(metrics["history"])) == (1, 2)
    best = read_checkpoint(tmp_path / "lm")
    assert best.json("metrics.json") == metrics
    # The weights are the best epoch's all the same, and those the last epoch's.
    once, again = load_model(best), load_model(read_checkpoint(tmp_path / "lm" / "last"))
    pairs = list(zip(once.trainable_variables, again.trainable_variables, strict=True))
    assert any((np.asarray(a) != np.asarray(b)).any() for a, b in pairs)
    for ours, theirs in zip(model.trainable_variables, once.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_evaluation_is_that_of_the_saved_model(tiny, run_of, tmp_path):
    # What metrics.json says of the best epoch is true of the weights beside it.
    run = run_of()
    options = options_of(tiny, tmp_path)
    data = pretraining.prepare_data(options)
    model = load_model(read_checkpoint(run.pretrained))
    model.compile(run_eagerly=True)
    figures = pretraining.evaluate(model, data.valid, ("masked_lm_loss", "next_sentence_accuracy"))
    metrics = run.pretraining_metrics
    told = metrics["history"][metrics["best_epoch"] - 1]["valid"]
    for name, value in figures.items():
        assert value == pytest.approx(told[name], rel=1e-4)


def test_sequences_longer_than_positions(tiny, tmp_path):
    options = options_of(tiny, tmp_path, sequence_length_lm=65)
    data = pretraining.prepare_data(options)
    with pytest.raises(OptionError, match=r"--sequence_length_lm=65.*--max_position=64"):
        pretraining.build_model(options, data)


def test_the_folder_is_checked_before_the_text_is_read(tiny, run_of, tmp_path, monkeypatch):
    options = options_of(tiny, tmp_path, ckpt_dir=str(run_of().pretrained), seed=1)
    monkeypatch.setattr(pretraining, "prepare_data", lambda options: pytest.fail("it was read"))
    with pytest.raises(OptionError, match=r"holds a checkpoint of another run: --seed=42 there"):
        pretrain(options)


def test_a_loss_that_is_no_number_names_the_documents(tiny, tmp_path, eagerly):
    with pytest.raises(TrainingError, match=r"(loss is|no longer finite)") as raised:
        pretrain(options_of(tiny, tmp_path, learning_rate=1e30))
    assert f"(its batch: {tiny.file('free')}:" in str(raised.value)
    assert " more)" in str(raised.value)
