"""Layer normalization with few passes over memory."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="models")
class LayerNormalization(keras.layers.LayerNormalization):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, over the last axis.

    It has the weights of Keras' layer. On TensorFlow it uses a hand-written gradient, which is
    faster than the derived one. It computes in float32 or wider regardless of the dtype policy.

        >>> LayerNormalization(epsilon=1e-6)(np.ones((2, 8), "float32")).shape
        TensorShape([2, 8])

    Args:
        As for `keras.layers.LayerNormalization`; the axis is the last one.

    References:
        Ba et al. 2016, equation 3 (https://arxiv.org/abs/1607.06450).
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Normalizes the last axis.

        Args:
            inputs: (..., width).
            training: whether a gradient will be computed.

        Returns:
            The same shape and dtype as `inputs`.
        """
        wide = keras.backend.result_type(inputs.dtype, "float32")
        x, gamma, beta = (ops.cast(one, wide) for one in (inputs, self.gamma, self.beta))
        if training and keras.backend.backend() == "tensorflow":
            rows = ops.reshape(x, (-1, x.shape[-1]))
            outputs = _with_gradient(rows, gamma, beta, self.epsilon)
            outputs = ops.reshape(outputs, ops.shape(x))
        else:
            # Exported models use this form; other backends fuse it and its derived gradient.
            outputs = _normalized(x, self.epsilon)[0] * gamma + beta
        return ops.cast(outputs, inputs.dtype)


def _normalized(x: Any, epsilon: float) -> tuple[Any, Any]:
    """Returns x with mean 0 and variance 1, and the factor `rsqrt(variance + epsilon)`."""
    centered = x - ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    scale = ops.rsqrt(variance + epsilon)
    return centered * scale, scale


def _with_gradient(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Normalizes (rows, width), with a custom gradient."""

    @ops.custom_gradient
    def outputs(x: Any, gamma: Any, beta: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        normalized, scale = _normalized(x, epsilon)

        def gradient(upstream: Any) -> tuple[Any, ...]:
            of_gamma = upstream * normalized
            # Means over each row, weighted by gamma: matrix products are the fastest way.
            weights = gamma[:, None] / x.shape[-1]
            of_mean, of_scale = ops.matmul(upstream, weights), ops.matmul(of_gamma, weights)
            of_x = scale * (upstream * gamma - of_mean - normalized * of_scale)
            return of_x, ops.sum(of_gamma, axis=0), ops.sum(upstream, axis=0)

        return normalized * gamma + beta, gradient

    return outputs(x, gamma, beta)
