"""The epochs of a stage: figures, checkpoints, and numbers that are none."""

import dataclasses

import keras
import numpy as np
import pytest

from common.errors import TrainingError
from models.checkpoints.folder import read_checkpoint
from tests.training.loop.tiny_loop import model_of, run, stage_of
from training.loop.optimizer import AdamW


def test_history_and_best_epoch(tmp_path):
    folder, record, _ = run(tmp_path, stage_of(), num_epochs=4)
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4]
    assert [entry["valid"]["f1"] for entry in record.epochs] == [0.1, 0.5, 0.4, 0.5]
    for entry in record.epochs:
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == {"loss"}
        assert entry["learning_rate"] == pytest.approx(0.1)
        assert entry["seconds"] >= 0
    losses = [entry["train"]["loss"] for entry in record.epochs]
    assert losses == sorted(losses, reverse=True)
    # The first of two equal epochs stays the best.
    assert record.best_epoch == 2
    assert record.metrics() == {
        "score": "f1",
        "history": record.epochs,
        "best_epoch": 2,
        "restored": None,
    }
    assert [best for _, _, best, _ in folder.saved] == [True, True, False, False]


def test_every_epoch_is_saved_with_its_state(tmp_path):
    folder, record, _ = run(tmp_path, stage_of(), num_epochs=3)
    states = [state for _, state, _, _ in folder.saved]
    assert [(state["epoch"], state["step"]) for state in states] == [(1, 2), (2, 4), (3, 6)]
    assert {(state["stage"], state["step_in_epoch"]) for state in states} == {("fine_tuning", 0)}
    assert [state["ended"] for state in states] == [False, False, True]
    for number, (metrics, _, _, _) in enumerate(folder.saved, start=1):
        assert metrics["history"] == record.epochs[:number]
    weights = [saved for _, _, _, saved in folder.saved]
    assert not np.array_equal(weights[0], weights[1])


def test_the_model_ends_with_the_best_weights(tmp_path):
    folder, record, model = run(tmp_path, stage_of((0.1, 0.8, 0.3)), num_epochs=3)
    assert record.best_epoch == 2
    np.testing.assert_array_equal(model.get_weights()[0], folder.saved[1][3])


@pytest.mark.parametrize(("every", "steps"), [(0, [4, 8]), (3, [3, 4, 6, 8]), (4, [4, 8])])
def test_checkpoints_within_an_epoch(tmp_path, every, steps):
    folder, _, _ = run(tmp_path, stage_of(steps=4), num_epochs=2, save_every_steps=every)
    assert [state["step"] for _, state, _, _ in folder.saved] == steps


def test_the_compiled_step_is_traced_once(tmp_path, monkeypatch):
    traces, train_step = [], keras.Sequential.train_step

    def traced(self, data):
        traces.append(data)
        return train_step(self, data)

    monkeypatch.setattr(keras.Sequential, "train_step", traced)
    model = model_of()
    model.compile(optimizer=AdamW(0.1), loss="mse")
    run(tmp_path, stage_of(), model=model, num_epochs=2)
    assert len(traces) == 1


def test_each_epoch_has_its_own_batches(tmp_path):
    seen = []
    run(tmp_path, stage_of(seen=seen, steps=3), num_epochs=2)
    # The first batch of an epoch may be made once more, for its shapes.
    assert sorted(set(seen)) == [(epoch, step) for epoch in (0, 1) for step in range(3)]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_no_number(tmp_path, value):
    seen = []

    def batches(epoch, first_step):
        for step in range(first_step, 5):
            seen.append((epoch, step))
            y = float(value) if (epoch, step) == (1, 3) else 2.0
            yield np.ones((3, 2), "float32"), np.full((3, 1), y, "float32")

    stage = dataclasses.replace(
        stage_of(batches=batches, steps=5),
        locate=lambda epoch, step: [f"file-{epoch}-{step}.txt:{line}" for line in range(12)],
    )
    with pytest.raises(TrainingError, match=f"the training loss is {value} in epoch 2") as raised:
        run(tmp_path, stage, num_epochs=5, save_every_steps=2)
    message = str(raised.value)
    assert "at step 4 of 5 (its batch: file-1-3.txt:0, file-1-3.txt:1, " in message
    assert "file-1-3.txt:7 and 4 more)" in message
    assert "--learning_rate" in message
    # The step itself ends the run. What was good is kept.
    last = read_checkpoint(tmp_path / "out" / "last")
    assert last.json("training_state.json")["step"] == 8
    fresh = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    fresh.load_weights(last.path("model.weights.h5"))
    assert all(np.isfinite(weights).all() for weights in fresh.get_weights())


def test_a_step_that_spoils_the_weights_after_a_fine_loss(tmp_path):
    class Spoiler(AdamW):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)
            if int(self.iterations) == 3:
                variable.assign(variable * float("nan"))

    model = model_of()
    model.compile(optimizer=Spoiler(0.1), loss="mse", run_eagerly=True)
    with pytest.raises(TrainingError, match=r"weights are no longer finite .*epoch 1, at step 4"):
        run(tmp_path, stage_of(steps=8), model=model, num_epochs=2, save_every_steps=2)
    state = read_checkpoint(tmp_path / "out" / "last").json("training_state.json")
    assert state["step"] == 2


def test_a_validation_that_is_no_number(tmp_path):
    stage = stage_of((0.5, float("nan"), 0.6))
    with pytest.raises(TrainingError, match="the validation f1 is nan in epoch 2"):
        run(tmp_path, stage, num_epochs=3)


def test_best_and_last_checkpoint(tmp_path):
    folder, _, model = run(tmp_path, stage_of((0.1, 0.8, 0.3)), num_epochs=3)
    best, last = tmp_path / "out", tmp_path / "out" / "last"
    for path, epochs in ((best, 2), (last, 3)):
        metrics = read_checkpoint(path).json("metrics.json")
        assert len(metrics["history"]) == epochs
        assert metrics["best_epoch"] == 2
    fresh = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    fresh.load_weights(last / "model.weights.h5")
    np.testing.assert_array_equal(fresh.get_weights()[0], folder.saved[2][3])
    fresh.load_weights(best / "model.weights.h5")
    np.testing.assert_array_equal(fresh.get_weights()[0], model.get_weights()[0])
