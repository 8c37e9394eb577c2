import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from models.kernels.losses import cross_entropy, sigmoid_cross_entropy


@pytest.mark.parametrize(
    ("shape", "scale"), [((7, 5), 1.0), ((2, 3, 11), 30.0), ((1, 2, 4099), 5.0), ((3, 2), 1e4)]
)
def test_equals_scipy(shape, scale):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=scale, size=shape).astype("float32")
    ids = rng.integers(0, shape[-1], shape[:-1]).astype("int32")
    upstream = rng.normal(size=shape[:-1]).astype("float32")
    given = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        values, predicted = cross_entropy(tf.constant(ids), given)
        total = tf.reduce_sum(values * upstream)
    exact = logits.astype("float64")
    expected = -np.take_along_axis(scipy.special.log_softmax(exact, -1), ids[..., None], -1)
    np.testing.assert_allclose(values, expected[..., 0], rtol=1e-5, atol=1e-5 * scale)
    np.testing.assert_array_equal(predicted, logits.argmax(-1))
    slope = scipy.special.softmax(exact, -1) - np.eye(shape[-1])[ids]
    np.testing.assert_allclose(tape.gradient(total, given), slope * upstream[..., None], atol=1e-5)


def test_what_is_no_number_stays_none():
    logits = np.array([[0.0, np.nan], [1.0, 2.0]], "float32")
    values = np.asarray(cross_entropy(tf.constant([0, 0]), tf.constant(logits))[0])
    assert np.isnan(values[0])
    assert values[1] == pytest.approx(np.log1p(np.e))


def test_of_several_highest_the_first_is_predicted():
    logits = tf.constant([[0.0, 2.0, 2.0], [-0.0, 0.0, -1.0]])
    _, predicted = cross_entropy(tf.constant([2, 1]), logits)
    np.testing.assert_array_equal(predicted, [1, 0])


def test_in_a_graph_of_unknown_length():
    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def mean(ids):
        logits = keras.ops.one_hot(ids, 3) * 2.0
        return tf.reduce_mean(cross_entropy(ids, logits)[0])

    for shape in ((1, 4), (3, 2)):
        value = mean(tf.zeros(shape, tf.int32))
        assert float(value) == pytest.approx(np.log(np.exp(2) + 2) - 2, rel=1e-6)


def test_of_the_sigmoid_equals_scipy():
    logits = np.array([-200.0, -3.0, 0.0, 0.5, 200.0], "float32")
    for target in (0.0, 1.0):
        expected = -scipy.special.log_expit(logits if target else -logits)
        losses = sigmoid_cross_entropy(np.full(5, target, "float32"), logits)
        np.testing.assert_allclose(losses, expected, rtol=1e-6)
