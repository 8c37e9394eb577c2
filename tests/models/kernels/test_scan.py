import keras
import numpy as np

from models.kernels.scan import last_state


def test_the_state_after_the_last_position():
    import tensorflow as tf

    def step(state, position):
        total, product = state
        return total + position[0], product * position[1]

    random = np.random.default_rng(0)
    start = (np.zeros((2, 1), np.float32), np.ones(3, np.float32))
    # The length is not known when the function is traced.
    compiled = tf.function(
        lambda one, other: last_state(step, tuple(map(tf.constant, start)), (one, other)),
        input_signature=[tf.TensorSpec((None, 2, 1)), tf.TensorSpec((None, 3))],
    )
    for length in (0, 1, 5):
        one = random.normal(size=(length, 2, 1)).astype(np.float32)
        other = random.normal(size=(length, 3)).astype(np.float32)
        for run in (compiled, lambda *arrays: last_state(step, start, arrays)):
            total, product = map(keras.ops.convert_to_numpy, run(one, other))
            np.testing.assert_allclose(total, one.sum(axis=0), atol=1e-6)
            np.testing.assert_allclose(product, other.prod(axis=0), atol=1e-6)
