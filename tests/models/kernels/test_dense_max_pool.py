"""The maximum over a document, against the same written out and differentiated by TensorFlow."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.kernels.dense_max_pool import dense_max_pool

BATCH, LENGTH, WIDTH, UNITS = 5, 7, 6, 40


@pytest.fixture
def given():
    rng = np.random.default_rng(3)
    shapes = (BATCH, LENGTH, WIDTH), (WIDTH, UNITS)
    tokens, kernel = (rng.normal(size=shape).astype("float32") for shape in shapes)
    dense = keras.layers.Dense(UNITS)
    dense.build((None, None, WIDTH))
    # Some units fire nowhere: of their values the lowest has the highest activation.
    dense.set_weights([kernel, np.linspace(-9, 1, UNITS)])
    return tf.Variable(tokens), dense


def written_out(tokens, dense):
    products = tf.matmul(tokens, dense.kernel.value) + dense.bias.value
    return tf.reduce_max(tf.nn.gelu(products, approximate=False), axis=1)


def gradients_of(function, tokens, dense, upstream):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(function(tokens, dense) * upstream)
    given = [tokens, dense.kernel.value, dense.bias.value]
    return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(total, given)]


@pytest.mark.parametrize("training", [True, False])
def test_value(given, training):
    values = dense_max_pool(*given, training)
    np.testing.assert_allclose(values, written_out(*given), rtol=1e-5, atol=1e-6)


def test_gradient(given):
    upstream = np.random.default_rng(4).normal(size=(BATCH, UNITS)).astype("float32")
    found = gradients_of(partial(dense_max_pool, training=True), *given, upstream)
    expected = gradients_of(written_out, *given, upstream)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    # Otherwise the case of the lowest value would not be in it.
    lowest = np.all(np.asarray(given[1](given[0])) < -0.76, axis=1)
    assert 0 < lowest.mean() < 1


def test_in_half_precision(given):
    tokens, dense = given
    half = keras.layers.Dense(UNITS, dtype="bfloat16")
    half.build((None, None, WIDTH))
    half.set_weights(dense.get_weights())
    values = dense_max_pool(tf.cast(tokens, "bfloat16"), half, True)
    assert values.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(values, "float32"), written_out(tokens, dense), atol=0.05)


@pytest.mark.parametrize("training", [True, False])
def test_what_is_no_number_stays_none(given, training):
    tokens, dense = given
    tokens[1, 2, 0].assign(np.nan)
    values = np.asarray(dense_max_pool(tokens, dense, training))
    assert np.isnan(values[1]).all()
    assert np.isfinite(values[[0, 2, 3, 4]]).all()


def test_in_a_graph_of_unknown_length(given):
    _, dense = given

    @tf.function(input_signature=[tf.TensorSpec((None, None, WIDTH), tf.float32)])
    def values_of(tokens):
        return dense_max_pool(tokens, dense, True)

    for length in (3, 9):
        tokens = keras.random.normal((2, length, WIDTH), seed=length)
        np.testing.assert_allclose(values_of(tokens), written_out(tokens, dense), atol=1e-5)
