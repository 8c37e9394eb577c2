import keras
import numpy as np
import pytest
import tensorflow as tf

from models.kernels.dropout import Dropout


@pytest.mark.parametrize("width", [64, 33, 1])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_drops_its_share_and_scales_the_rest(width, rate):
    keras.utils.set_random_seed(0)
    x = np.full((400, 50, width), 3.0, "float32")
    y = np.asarray(Dropout(rate)(x, training=True))
    assert y.shape == x.shape
    np.testing.assert_allclose(y[y != 0], 3 / (1 - rate), rtol=1e-4)
    # Five standard deviations of the share of so many draws, over all and in each column.
    for dropped, draws in (((y == 0).mean(), y.size), ((y == 0).mean((0, 1)), y.size / width)):
        np.testing.assert_allclose(dropped, rate, atol=5 * np.sqrt(rate * (1 - rate) / draws))


def test_units_are_dropped_independently():
    # Two units that share a draw of random bits, and two that do not.
    keras.utils.set_random_seed(0)
    dropped = np.asarray(Dropout(0.5)(np.ones((40_000, 4), "float32"), training=True)) == 0
    correlation = np.corrcoef(dropped.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(dropped))


def test_each_call_draws_anew_and_a_seed_repeats_it():
    x = np.ones((8, 32), "float32")

    def two():
        keras.utils.set_random_seed(3)
        layer = Dropout(0.5)
        return [np.asarray(layer(x, training=True)) for _ in range(2)]

    first, second = two()
    assert (first != second).any()
    np.testing.assert_array_equal(two(), [first, second])


def test_a_gradient_goes_where_the_output_came_from():
    keras.utils.set_random_seed(0)
    x = tf.random.normal((20, 30, 7))
    weights = tf.random.normal(x.shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.3)(x, training=True)
        total = tf.reduce_sum(y * weights)
    # y is linear in x, unit by unit.
    np.testing.assert_allclose(tape.gradient(total, x), weights * y / x, rtol=1e-5)


@pytest.mark.parametrize("training", [False, None])
def test_without_training_nothing_happens(training):
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(Dropout(0.5)(x, training=training), x)
    np.testing.assert_array_equal(Dropout(0.0)(x, training=True), x)


def test_half_precision_stays_half():
    y = Dropout(0.5, dtype="mixed_bfloat16")(np.ones((4, 8)), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"


def test_config_round_trip():
    layer = Dropout(0.25, seed=1)
    assert Dropout.from_config(layer.get_config()).get_config() == layer.get_config()
