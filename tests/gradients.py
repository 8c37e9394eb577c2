"""Which weights a loss does not reach."""

import keras
import numpy as np
import tensorflow as tf


def weights_without_gradient(model: keras.Model, tape: tf.GradientTape, loss: tf.Tensor) -> list:
    """The paths of the trainable weights on which the loss does not depend, but for key biases.

    A key bias adds the same to all scores of a query: the softmax does not see it.
    """
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    return [
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if (gradient is None or not np.abs(tf.convert_to_tensor(gradient)).max() > 0)
        and not variable.path.endswith("/key/bias")
    ]
