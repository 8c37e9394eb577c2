"""Activation functions by name, and a fused GELU for training."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from models.kernels.xla_compiled import compiled


def gelu(x: Any) -> Any:
    """`x Phi(x)`, where Phi is the standard normal distribution function.

    Keras computes it with the complementary error function, which takes twice as long in
    TensorFlow. LiteRT's converter recognizes GELU if it is written in this order.

    Args:
        x: any shape, floating point.

    Returns:
        The same shape and dtype.

    References:
        Hendrycks & Gimpel 2016, section 2 (https://arxiv.org/abs/1606.08415).
    """
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


ACTIVATION_FUNCTIONS: dict[str, Callable] = {
    "gelu": gelu,
    "gelu_approximate": partial(keras.ops.gelu, approximate=True),
    "relu": keras.ops.relu,
    "silu": keras.ops.silu,
    "tanh": keras.ops.tanh,
}


def activate(name: str, x: Any, training: bool | None) -> Any:
    """Computes `ACTIVATION_FUNCTIONS[name](x)`, with a fused GELU in training.

    TensorFlow computes GELU and its gradient in a dozen passes over memory; XLA fuses each into
    one. In inference GELU is not compiled, so that exported models contain only common operations.
    Other backends fuse it themselves.

    Args:
        name: a key of `ACTIVATION_FUNCTIONS`.
        x: any shape, floating point.
        training: whether a gradient will be computed.

    Returns:
        The same shape and dtype as `x`.
    """
    if training and name == "gelu" and keras.backend.backend() == "tensorflow":
        return ops.custom_gradient(_gelu_with_gradient)(x)
    return ACTIVATION_FUNCTIONS[name](x)


def _gelu_with_gradient(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Returns GELU and the function that multiplies an upstream gradient by its derivative."""
    return _compiled_gelu(x), lambda upstream: _gelu_gradient(upstream, x)


_compiled_gelu = compiled(gelu)


@compiled
def _gelu_gradient(upstream: Any, x: Any) -> Any:
    """`upstream * (Phi(x) + x phi(x))`, where phi is the density."""
    return upstream * (_distribution(x) + x * _density(x))


def _distribution(x: Any) -> Any:
    return 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))


def _density(x: Any) -> Any:
    return ops.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
