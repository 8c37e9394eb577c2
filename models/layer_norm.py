"""Layer normalization, in few passes over memory."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.compiled import compiled


@keras.saving.register_keras_serializable(package="models")
class LayerNormalization(keras.layers.LayerNormalization):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, over the last axis.

    Keras' layer with the same weights, of which TensorFlow makes more passes, over wider tensors.
    It is computed in float32 at least, whatever the layer's policy.

    References:
        Ba et al. 2016, equation 3 (https://arxiv.org/abs/1607.06450).
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """(..., width) to the same shape."""
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        gamma, beta = (ops.cast(weight, x.dtype) for weight in (self.gamma, self.beta))
        if training and keras.backend.backend() == "tensorflow":
            epsilon = ops.convert_to_tensor(self.epsilon, x.dtype)
            outputs = ops.custom_gradient(_with_gradient)(x, gamma, beta, epsilon)
        else:
            # As it stands in the paper: what exported models are made of.
            centered = x - ops.mean(x, axis=-1, keepdims=True)
            variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
            outputs = centered * ops.rsqrt(variance + self.epsilon) * gamma + beta
        return ops.cast(outputs, self.compute_dtype)


def _with_gradient(
    x: Any, gamma: Any, beta: Any, epsilon: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    outputs, mean, scale = _forward(x, gamma, beta, epsilon)

    def gradient(upstream: Any) -> tuple[Any, ...]:
        return *_backward(upstream, x, gamma, mean, scale), None

    return outputs, gradient


@compiled
def _forward(x: Any, gamma: Any, beta: Any, epsilon: Any) -> tuple[Any, Any, Any]:
    """Besides the outputs: the mean and one over the standard deviation, (..., 1)."""
    ones = ops.ones_like(gamma)
    mean = _mean(x, ones)
    scale = ops.rsqrt(_mean(ops.square(x - mean), ones) + epsilon)
    return (x - mean) * scale * gamma + beta, mean, scale


@compiled
def _backward(upstream: Any, x: Any, gamma: Any, mean: Any, scale: Any) -> tuple[Any, Any, Any]:
    """The gradients of x, gamma and beta."""
    normalized = (x - mean) * scale
    of_scaling = upstream * normalized
    along = _mean(upstream, gamma) + normalized * _mean(of_scaling, gamma)
    return scale * (upstream * gamma - along), _sum_of_rows(of_scaling), _sum_of_rows(upstream)


# XLA adds up over an axis one number after the other, but multiplies matrices several at a time.


def _mean(x: Any, weights: Any) -> Any:
    """Of each row times the weights: (..., width) and (width,) to (..., 1)."""
    return ops.matmul(x, weights[:, None] / ops.cast(ops.shape(x)[-1], x.dtype))


def _sum_of_rows(x: Any) -> Any:
    """(..., width) to (width,)."""
    rows = ops.reshape(x, (-1, ops.shape(x)[-1]))
    return ops.matmul(ops.ones((1, ops.shape(rows)[0]), rows.dtype), rows)[0]
