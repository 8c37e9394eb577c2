import keras
import pytest

from common.duration import duration
from training.loop import callbacks as module
from training.loop.callbacks import Progress
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


def progress_of(model, steps, examples=100):
    writer = Writer()
    progress = Progress(epoch=2, num_epochs=3, steps=steps, examples=examples, writer=writer)
    progress.set_model(model)
    return progress, writer


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (45, "45s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (190, "3m10s"),
        (3599.4, "59m59s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (100_000, "27h46m"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_points_are_means_of_their_interval(model):
    losses = [8.0, 6.0, 7.0, 3.0, 2.0, 4.0, 1.0]
    progress, writer = progress_of(model, steps=7)
    for step in range(7):
        # As Keras does: the mean since the epoch began.
        progress.on_train_batch_end(step, {"loss": sum(losses[: step + 1]) / (step + 1)})
    assert [figures["loss"] for _, _, figures in writer.points] == pytest.approx(losses)
    assert {split for split, _, _ in writer.points} == {"train"}
    assert {figures["learning_rate"] for _, _, figures in writer.points} == {0.25}


def test_long_epochs_have_about_twenty_points(model):
    steps = 90
    losses = [float(step**2 % 17) for step in range(steps)]
    progress, writer = progress_of(model, steps=steps)
    for step in range(steps):
        progress.on_train_batch_end(step, {"loss": sum(losses[: step + 1]) / (step + 1)})
    # Every 4 steps, and the last 2.
    expected = [sum(losses[k : k + 4]) / 4 for k in range(0, 88, 4)] + [sum(losses[88:]) / 2]
    assert [figures["loss"] for _, _, figures in writer.points] == pytest.approx(expected)


def test_speed_and_time_left(model, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    caplog.set_level("INFO")
    progress, writer = progress_of(model, steps=10, examples=500)
    now[0] += 40
    progress.on_train_batch_end(0, {"loss": 1.5})
    assert caplog.messages == [
        "epoch 2/3  step 1/10  loss 1.5000  1 examples/s  6m00s left",
    ]
    now[0] += 10
    progress.on_train_batch_end(1, {"loss": 1.5})
    assert len(caplog.messages) == 1
    assert writer.points[-1][2]["examples_per_second"] == pytest.approx(100 / 50)
    now[0] += 30
    progress.on_train_batch_end(7, {"loss": 1.25})
    assert caplog.messages[1] == "epoch 2/3  step 8/10  loss 1.2500  5 examples/s  20s left"


def test_terminal_line_is_cleared(model, monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    progress, _ = progress_of(model, steps=4)
    now[0] = 2.0
    progress.on_train_batch_end(0, {"loss": 1.0})
    progress.on_train_end()
    err = capsys.readouterr().err
    assert err.startswith("\repoch 2/3  step 1/4  loss 1.0000")
    assert err.endswith("\r\033[K")
    assert "\n" not in err
