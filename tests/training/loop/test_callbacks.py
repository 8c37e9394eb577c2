import keras
import pytest

from common import progress as progress_module
from common.progress import Progress
from training.loop.callbacks import EpochCallback
from training.loop.optimizer import AdamW


class Writer:
    """In place of a `TensorBoardWriter`."""

    def __init__(self):
        self.points = []

    def write(self, split, step, figures):
        self.points.append((split, step, dict(figures)))


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=AdamW(0.25), loss="mse")
    return model


def callback_of(model, steps, examples=100, total=None):
    writer = Writer()
    progress = Progress("epoch 2/3", total or steps)
    callback = EpochCallback(progress, steps=steps, examples=examples, writer=writer)
    callback.set_model(model)
    return callback, writer


def test_points_are_means_of_their_interval(model):
    losses = [8.0, 6.0, 7.0, 3.0, 2.0, 4.0, 1.0]
    callback, writer = callback_of(model, steps=7)
    for step in range(7):
        # As Keras does: the mean since the epoch began.
        callback.on_train_batch_end(step, {"loss": sum(losses[: step + 1]) / (step + 1)})
    assert [figures["loss"] for _, _, figures in writer.points] == pytest.approx(losses)
    assert {split for split, _, _ in writer.points} == {"train"}
    assert {figures["learning_rate"] for _, _, figures in writer.points} == {0.25}


def test_long_epochs_have_about_twenty_points(model):
    steps = 90
    losses = [float(step**2 % 17) for step in range(steps)]
    callback, writer = callback_of(model, steps=steps)
    for step in range(steps):
        callback.on_train_batch_end(step, {"loss": sum(losses[: step + 1]) / (step + 1)})
    # Every 4 steps, and the last 2.
    expected = [sum(losses[k : k + 4]) / 4 for k in range(0, 88, 4)] + [sum(losses[88:]) / 2]
    assert [figures["loss"] for _, _, figures in writer.points] == pytest.approx(expected)


def test_speed_and_time_left(model, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    caplog.set_level("INFO")
    callback, writer = callback_of(model, steps=10, examples=500, total=20)
    now[0] += 40
    callback.on_train_batch_end(0, {"loss": 1.5})
    # The first step was compiled: nothing is known of the others.
    assert caplog.messages == ["epoch 2/3  step 1/10  loss 1.5000  5%"]
    assert "examples_per_second" not in writer.points[-1][2]
    now[0] += 10
    callback.on_train_batch_end(1, {"loss": 1.5})
    assert len(caplog.messages) == 1
    assert writer.points[-1][2]["examples_per_second"] == pytest.approx(50 / 10)
    now[0] += 20
    callback.on_train_batch_end(2, {"loss": 1.25})
    # 17 steps of the run are left, of 15 s each.
    assert caplog.messages[1] == (
        "epoch 2/3  step 3/10  loss 1.2500  3 examples/s  15%  4m15s left"
    )
