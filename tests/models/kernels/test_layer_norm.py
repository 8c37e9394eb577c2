import keras
import numpy as np
import pytest
import tensorflow as tf

from models.kernels.layer_norm import LayerNormalization


def layer(kind, width, dtype="float32"):
    made = kind(epsilon=1e-6, dtype=dtype)
    made.build((None, width))
    random = np.random.default_rng(width)
    made.gamma.assign(random.normal(1, 0.5, width))
    made.beta.assign(random.normal(0, 0.5, width))
    return made


def with_gradients(made, x, upstream, **arguments):
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = made(x, **arguments)
    weights = [made.gamma.value, made.beta.value]
    return [outputs, *tape.gradient(outputs, [x, *weights], upstream)]


@pytest.mark.parametrize("shape", [(3, 7, 64), (5, 33), (2, 3, 4, 8), (6, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients_are_those_of_keras(shape, training):
    random = np.random.default_rng(0)
    x, upstream = (tf.constant(random.normal(0.5, 2, shape), "float32") for _ in range(2))
    ours = with_gradients(layer(LayerNormalization, shape[-1]), x, upstream, training=training)
    theirs = with_gradients(layer(keras.layers.LayerNormalization, shape[-1]), x, upstream)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [16, 32])
def test_in_a_graph_of_unknown_length(width):
    made = layer(LayerNormalization, width)

    @tf.function(input_signature=[tf.TensorSpec((None, None, width), tf.float32)])
    def trained(x):
        return made(x, training=True)

    for shape in ((2, 5, width), (4, 3, width), (1, 9, width)):
        x = tf.random.normal(shape)
        np.testing.assert_allclose(trained(x), made(x, training=False), atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_mean_far_from_zero_costs_no_digits(training):
    # The variance as a difference of two large numbers would have none left.
    x = np.random.default_rng(0).normal(1000, 0.1, (4, 8, 64)).astype("float32")
    exact = x.astype("float64")
    exact = exact - exact.mean(-1, keepdims=True)
    exact /= np.sqrt((exact**2).mean(-1, keepdims=True) + 1e-6)
    made = LayerNormalization(epsilon=1e-6)
    np.testing.assert_allclose(made(x, training=training), exact, atol=0.01)


@pytest.mark.parametrize("training", [True, False])
def test_half_precision_is_only_at_the_ends(training):
    random = np.random.default_rng(0)
    # The squares of these are beyond what float16 holds.
    x = random.normal(0, 400, (4, 8, 64)).astype("float16")
    made = LayerNormalization(epsilon=1e-6, dtype="mixed_float16")
    outputs, of_x, of_gamma, of_beta = with_gradients(
        layer(LayerNormalization, 64, "mixed_float16"),
        tf.constant(x),
        tf.ones(x.shape, "float16"),
        training=training,
    )
    assert made(x).dtype == outputs.dtype == of_x.dtype == tf.float16
    assert of_gamma.dtype == of_beta.dtype == tf.float32
    whole = layer(LayerNormalization, 64)(x.astype("float32"))
    np.testing.assert_allclose(outputs, whole, rtol=2e-3, atol=2e-3)


def test_config_round_trip():
    made = LayerNormalization(epsilon=1e-6, name="norm")
    assert LayerNormalization.from_config(made.get_config()).get_config() == made.get_config()
