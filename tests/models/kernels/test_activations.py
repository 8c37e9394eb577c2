import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from models.kernels.activations import ACTIVATION_FUNCTIONS, activate


def slope(name, x, training):
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = activate(name, variable, training)
    return np.asarray(y), np.asarray(tape.gradient(y, variable))


@pytest.mark.parametrize("training", [True, False])
def test_gelu_is_x_times_the_normal_distribution(training):
    x = np.linspace(-9, 9, 181).reshape(1, -1).astype("float32")
    y, gradient = slope("gelu", x, training)
    normal = scipy.stats.norm
    np.testing.assert_allclose(y, x * normal.cdf(x), atol=1e-6)
    np.testing.assert_allclose(gradient, normal.cdf(x) + x * normal.pdf(x), atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATION_FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_training_changes_no_value(name, dtype):
    x = tf.cast(np.random.default_rng(0).normal(size=(3, 2, 5)), dtype)
    trained, plain = (activate(name, x, training) for training in (True, False))
    assert trained.dtype == plain.dtype == x.dtype
    step = {"float32": 1e-6, "bfloat16": 1e-2, "float16": 2e-3}[dtype]
    np.testing.assert_allclose(tf.cast(trained, "float32"), tf.cast(plain, "float32"), atol=step)
