import json

import keras
import numpy as np
import pytest

from models import checkpoint
from training.loop import Record, Stage, make_optimizer, total_steps, train
from training.optimizer import AdamW
from training.options import OptimizationOptions, OptionError
from training.run_folder import RunFolder

SCORES = (0.1, 0.5, 0.4, 0.5, 0.3, 0.9)


class Folder:
    """In place of a `RunFolder`: remembers what was saved."""

    def __init__(self, path):
        self.logs = path / "logs"
        self.saved = []

    def save(self, model, metrics, training_state, *, best):
        metrics = json.loads(json.dumps(metrics))
        self.saved.append((metrics, dict(training_state), best, model.get_weights()[0].copy()))


def model_of(rate=0.1):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=AdamW(rate), loss="mse", run_eagerly=True)
    return model


def stage_of(scores=SCORES, steps=2, seen=None, batches=None):
    scores = iter(scores)

    def made(epoch):
        for step in range(steps):
            if seen is not None:
                seen.append((epoch, step))
            yield np.ones((3, 2), "float32"), np.full((3, 1), 2.0, "float32")

    return Stage(
        name="fine_tuning",
        batches=batches or made,
        steps=lambda epoch: steps,
        examples=6,
        evaluate=lambda: {"loss": 1.0, "f1": next(scores)},
        score=lambda valid: valid["f1"],
        train_figures=("loss",),
    )


def run(tmp_path, stage, *, patience=None, **options):
    folder, record, model = Folder(tmp_path), Record(extra={"restored": None}), model_of()
    train(model, stage, folder, OptimizationOptions(**options), record, patience=patience)
    return folder, record, model


def test_history_and_best_epoch(tmp_path):
    folder, record, _ = run(tmp_path, stage_of(), num_epochs=4)
    assert [entry["epoch"] for entry in record.history] == [1, 2, 3, 4]
    assert [entry["valid"]["f1"] for entry in record.history] == [0.1, 0.5, 0.4, 0.5]
    for entry in record.history:
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == {"loss"}
        assert entry["learning_rate"] == pytest.approx(0.1)
        assert entry["seconds"] >= 0
    losses = [entry["train"]["loss"] for entry in record.history]
    assert losses == sorted(losses, reverse=True)
    # The first of two equal epochs stays the best.
    assert record.best_epoch == 2
    assert record.metrics() == {"history": record.history, "best_epoch": 2, "restored": None}
    assert [best for _, _, best, _ in folder.saved] == [True, True, False, False]


def test_every_epoch_is_saved_with_its_state(tmp_path):
    folder, record, model = run(tmp_path, stage_of(), num_epochs=3)
    states = [state for _, state, _, _ in folder.saved]
    assert states == [
        {"stage": "fine_tuning", "epoch": epoch, "step": 2 * epoch} for epoch in (1, 2, 3)
    ]
    for number, (metrics, _, _, _) in enumerate(folder.saved, start=1):
        assert metrics["history"] == record.history[:number]
    weights = [saved for _, _, _, saved in folder.saved]
    assert not np.array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[2], model.get_weights()[0])


def test_each_epoch_has_its_own_batches(tmp_path):
    seen = []
    run(tmp_path, stage_of(seen=seen, steps=3), num_epochs=2)
    # The first batch of an epoch may be made once more, for its shapes.
    assert sorted(set(seen)) == [(epoch, step) for epoch in (0, 1) for step in range(3)]


def test_early_stopping(tmp_path):
    _, record, _ = run(tmp_path, stage_of(), num_epochs=6, patience=2)
    assert [entry["epoch"] for entry in record.history] == [1, 2, 3, 4]
    assert record.best_epoch == 2


def test_patience_counts_from_the_best(tmp_path):
    scores = (0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.6, 0.9)
    _, record, _ = run(tmp_path, stage_of(scores), num_epochs=8, patience=2)
    assert len(record.history) == 7
    assert record.best_epoch == 5


def test_patience_of_one(tmp_path):
    _, record, _ = run(tmp_path, stage_of((0.5, 0.5, 0.9)), num_epochs=3, patience=1)
    assert len(record.history) == 2


def test_validate_every(tmp_path):
    folder, record, _ = run(tmp_path, stage_of((0.1, 0.2, 0.3)), num_epochs=5, validate_every=2)
    assert [bool(entry["valid"]) for entry in record.history] == [False, True, False, True, True]
    assert record.best_epoch == 5
    assert [best for _, _, best, _ in folder.saved] == [False, True, False, True, True]


def test_epochs_without_validation_are_not_counted_as_worse(tmp_path):
    stage = stage_of((0.5, 0.4, 0.3, 0.2))
    _, record, _ = run(tmp_path, stage, num_epochs=8, validate_every=2, patience=2)
    assert len(record.history) == 6


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_no_number(tmp_path, value):
    def batches(epoch):
        y = 2.0 if epoch < 2 else float(value)
        for _ in range(2):
            yield np.ones((3, 2), "float32"), np.full((3, 1), y, "float32")

    folder, record = Folder(tmp_path), Record()
    with pytest.raises(OptionError, match="training loss is no longer a number in epoch 3") as no:
        train(
            model_of(),
            stage_of(batches=batches),
            folder,
            OptimizationOptions(num_epochs=5),
            record,
        )
    assert "--learning_rate" in str(no.value)
    # What was good is kept.
    assert len(folder.saved) == 2
    assert all(np.isfinite(weights).all() for _, _, _, weights in folder.saved)


def test_a_validation_that_is_no_number(tmp_path):
    # The last step of an epoch can spoil the weights after every training loss was fine.
    stage = stage_of((0.5, float("nan"), 0.6))
    with pytest.raises(OptionError, match="validation f1 is no longer a number in epoch 2"):
        run(tmp_path, stage, num_epochs=3)


def test_best_and_last_checkpoint(tmp_path):
    folder = RunFolder(str(tmp_path / "out"), "ckpt_dir", overwrite=False)
    folder.describe({"stage": "fine_tuning"}, {"vocab.txt": "[PAD]\n"})
    model, record = model_of(), Record()
    train(model, stage_of((0.1, 0.8, 0.3)), folder, OptimizationOptions(num_epochs=3), record)
    best, last = tmp_path / "out", tmp_path / "out" / "last"
    for path, epochs in ((best, 2), (last, 3)):
        metrics = checkpoint.read_checkpoint(path).json("metrics.json")
        assert len(metrics["history"]) == epochs
        assert metrics["best_epoch"] == 2
    state = checkpoint.read_checkpoint(last).json("training_state.json")
    assert state == {"stage": "fine_tuning", "epoch": 3, "step": 6}
    final = model.get_weights()[0]
    fresh = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    fresh.load_weights(last / "model.weights.h5")
    np.testing.assert_array_equal(fresh.get_weights()[0], final)
    fresh.load_weights(best / "model.weights.h5")
    assert not np.array_equal(fresh.get_weights()[0], final)


def test_optimizer_of_the_options():
    options = OptimizationOptions(num_epochs=5, warmup_share=0.2, weight_decay=0.3, clip_norm=2.0)
    steps = total_steps(options, lambda epoch: 10 + epoch)
    assert steps == 10 + 11 + 12 + 13 + 14
    optimizer = make_optimizer(options, 0.5, steps)
    assert (optimizer.decay, optimizer.global_clipnorm) == (0.3, 2.0)
    schedule = optimizer.get_config()["learning_rate"]["config"]
    assert schedule == {"peak": 0.5, "warmup_steps": 12, "total_steps": 60}
