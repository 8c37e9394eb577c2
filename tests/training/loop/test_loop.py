import dataclasses
import json

import keras
import numpy as np
import pytest

from common.errors import TrainingError
from models.checkpoints.folder import read_checkpoint
from training.loop.interruption import Interruption
from training.loop.loop import train
from training.loop.optimizer import AdamW, make_optimizer, total_steps
from training.loop.run_history import RunHistory
from training.loop.stage import Stage
from training.options.groups import OptimizationOptions
from training.options.scripts import PretrainingOptions
from training.runs.run_folder import RunFolder

SCORES = (0.1, 0.5, 0.4, 0.5, 0.3, 0.9)


class Folder(RunFolder):
    """Remembers what was saved."""

    def __init__(self, options):
        super().__init__(options, "ckpt_dir")
        config = {"stage": "fine_tuning", "options": options.to_dict()}
        self.set_metadata(config, {"vocab.txt": "[PAD]\n"})
        self.saved = []

    def save(self, model, metrics, training_state, *, best):
        super().save(model, metrics, training_state, best=best)
        metrics = json.loads(json.dumps(metrics))
        self.saved.append((metrics, dict(training_state), best, model.get_weights()[0].copy()))


def model_of(rate=0.1):
    layer = keras.layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.layers.Input((2,)), layer])
    model.compile(optimizer=AdamW(rate), loss="mse", run_eagerly=True)
    return model


def stage_of(scores=SCORES, steps=2, seen=None, batches=None):
    scores = iter(scores)

    def made(epoch, first_step):
        for step in range(first_step, steps):
            if seen is not None:
                seen.append((epoch, step))
            yield np.ones((3, 2), "float32"), np.full((3, 1), 2.0, "float32")

    return Stage(
        name="fine_tuning",
        batches=batches or made,
        steps=lambda epoch: steps,
        examples=6,
        evaluate=lambda: {"loss": 1.0, "f1": next(scores)},
        score="f1",
        train_metrics=("loss",),
    )


def run(tmp_path, stage, *, patience=None, model=None, **options):
    options = PretrainingOptions(mask_lm_source_file=[], ckpt_dir=str(tmp_path / "out"), **options)
    record, model = RunHistory(score="f1", extra={"restored": None}), model or model_of()
    with Folder(options) as folder:
        train(model, stage, folder, options, record, Interruption(), patience=patience)
    return folder, record, model


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


def test_early_stopping(tmp_path):
    _, record, _ = run(tmp_path, stage_of(), num_epochs=6, patience=2)
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4]
    assert record.best_epoch == 2


def test_patience_counts_from_the_best(tmp_path):
    scores = (0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.6, 0.9)
    _, record, _ = run(tmp_path, stage_of(scores), num_epochs=8, patience=2)
    assert len(record.epochs) == 7
    assert record.best_epoch == 5


def test_patience_of_one(tmp_path):
    _, record, _ = run(tmp_path, stage_of((0.5, 0.5, 0.9)), num_epochs=3, patience=1)
    assert len(record.epochs) == 2


def test_another_gain_is_worth_an_epoch(tmp_path):
    gains = iter([False, True, False, False])  # asked after each epoch but the best
    stage = dataclasses.replace(
        stage_of((0.5, 0.4, 0.4, 0.4, 0.4, 0.9)), improved=lambda: next(gains)
    )
    _, record, _ = run(tmp_path, stage, num_epochs=6, patience=2)
    assert len(record.epochs) == 5
    # It is no reason to keep the epoch's weights.
    assert record.best_epoch == 1


class KilledError(BaseException):
    """Nothing of ours catches it."""


def then_killed(scores):
    yield from scores
    raise KilledError


def test_patience_goes_on_counting_after_a_kill(tmp_path):
    with pytest.raises(KilledError):
        run(tmp_path, stage_of(then_killed((0.5, 0.4))), num_epochs=6, patience=2)
    _, record, _ = run(tmp_path, stage_of((0.4, 0.9)), num_epochs=6, patience=2)
    assert [entry["valid"]["f1"] for entry in record.epochs] == [0.5, 0.4, 0.4]
    assert record.best_epoch == 1


def scheduled(epochs):
    """A model whose learning rate is that of so many epochs of two steps."""
    options = OptimizationOptions(num_epochs=epochs)
    model = model_of()
    optimizer = make_optimizer(options, 0.1, total_steps(options, lambda epoch: 2))
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=True)
    return model


def test_more_epochs(tmp_path, caplog):
    caplog.set_level("INFO")
    run(tmp_path / "whole", stage_of(), model=scheduled(2), num_epochs=2)
    run(tmp_path / "killed", stage_of(), model=scheduled(2), num_epochs=2)
    scores = SCORES[2:]
    whole, record, model = run(
        tmp_path / "whole", stage_of(scores), model=scheduled(5), num_epochs=5
    )
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4, 5]
    assert [entry["valid"]["f1"] for entry in record.epochs] == list(SCORES[:2] + scores[:3])
    # The rate is that of a run of five epochs from the step that was reached.
    planned = make_optimizer(OptimizationOptions(num_epochs=5), 0.1, 10)
    for entry in record.epochs[2:]:
        planned.iterations.assign(2 * entry["epoch"])
        assert entry["learning_rate"] == pytest.approx(planned.last_learning_rate())
    assert record.epochs[2]["learning_rate"] > record.epochs[1]["learning_rate"]
    assert int(model.optimizer.iterations) == 10
    (line,) = [line for line in caplog.messages if "instead of" in line]
    assert line == (
        "--num_epochs=5 instead of 2: from here on the learning rate is that of a run of so many "
        "epochs, now 0.06; the optimizer keeps its state"
    )
    # Killed before its first checkpoint, and after its first epoch, it ends with the same weights.
    for known in ((), scores[:1]):
        with pytest.raises(KilledError):
            run(
                tmp_path / "killed",
                stage_of(then_killed(known)),
                model=scheduled(5),
                num_epochs=5,
            )
    killed, _, _ = run(tmp_path / "killed", stage_of(scores[1:]), model=scheduled(5), num_epochs=5)
    np.testing.assert_array_equal(killed.saved[-1][3], whole.saved[-1][3])


def test_more_epochs_than_patience_had(tmp_path):
    _, record, _ = run(tmp_path, stage_of((0.5, 0.4, 0.3)), num_epochs=9, patience=2)
    assert len(record.epochs) == 3
    # Patience counts anew. Fewer epochs than were planned will do, if they are more than were done.
    _, record, _ = run(tmp_path, stage_of((0.4, 0.6, 0.5)), num_epochs=6, patience=2)
    assert [entry["valid"]["f1"] for entry in record.epochs[3:]] == [0.4, 0.6, 0.5]
    assert record.best_epoch == 5


def test_validate_every(tmp_path):
    folder, record, _ = run(tmp_path, stage_of((0.1, 0.2, 0.3)), num_epochs=5, validate_every=2)
    assert [bool(entry["valid"]) for entry in record.epochs] == [False, True, False, True, True]
    assert record.best_epoch == 5
    assert [best for _, _, best, _ in folder.saved] == [False, True, False, True, True]


def test_epochs_without_validation_are_not_counted_as_worse(tmp_path, caplog):
    stage = stage_of((0.5, 0.4, 0.3, 0.2))
    caplog.set_level("INFO")
    _, record, _ = run(tmp_path, stage, num_epochs=8, validate_every=2, patience=2)
    assert len(record.epochs) == 6
    assert "no improvement in the last 2 validations: training ends" in caplog.messages


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


def test_optimizer_of_the_options():
    options = OptimizationOptions(num_epochs=5, warmup_ratio=0.2, weight_decay=0.3, clip_norm=2.0)
    steps = total_steps(options, lambda epoch: 10 + epoch)
    assert steps == 10 + 11 + 12 + 13 + 14
    optimizer = make_optimizer(options, 0.5, steps)
    assert (optimizer.decay, optimizer.global_clipnorm) == (0.3, 2.0)
    schedule = optimizer.get_config()["learning_rate"]["config"]
    assert schedule == {"peak": 0.5, "warmup_steps": 12, "total_steps": 60}
