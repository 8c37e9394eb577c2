import keras
import numpy as np
import pytest

from training.loop.optimizer import WarmupDecay


def rates(schedule, steps):
    return [float(schedule(step)) for step in range(steps)]


def test_by_hand():
    # Up in 4 steps to 0.8; then 6 steps down from it, the last of them still above 0.
    rise = [0.2, 0.4, 0.6, 0.8]
    fall = [0.8 * (10 - step) / 7 for step in range(4, 10)]
    assert rates(WarmupDecay(0.8, 4, 10), 10) == pytest.approx(rise + fall)
    assert fall[-1] == pytest.approx(0.8 / 7)


def test_ends():
    schedule = WarmupDecay(1e-3, 4, 10)
    assert float(schedule(10)) == 0
    assert float(schedule(1000)) == 0
    assert max(rates(schedule, 10)) == pytest.approx(1e-3)
    assert min(rates(schedule, 10)) > 0


@pytest.mark.parametrize(
    ("warmup", "total", "expected"),
    [
        (0, 4, [1, 3 / 4, 2 / 4, 1 / 4]),
        (4, 4, [1 / 4, 2 / 4, 3 / 4, 1]),
        (1, 1, [1]),
        (0, 0, [1]),
        (9, 3, [1 / 9, 2 / 9, 3 / 9]),
    ],
)
def test_extremes(warmup, total, expected):
    assert rates(WarmupDecay(1.0, warmup, total), len(expected)) == pytest.approx(expected)


def test_rises_and_falls_in_straight_lines():
    values = np.array(rates(WarmupDecay(2.0, 30, 100), 100))
    assert np.allclose(np.diff(values[:30], n=2), 0, atol=1e-6)
    assert np.allclose(np.diff(values[30:], n=2), 0, atol=1e-6)
    assert values.argmax() == 29


def test_config():
    schedule = WarmupDecay(0.5, 3, 9)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert rates(again, 10) == rates(schedule, 10)


def test_a_step_that_is_a_tensor():
    assert float(WarmupDecay(1.0, 2, 4)(keras.ops.convert_to_tensor(1, "int64"))) == 1.0
