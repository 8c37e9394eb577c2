"""The activation functions by name, and GELU in one pass for training."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from models.kernels.xla_compiled import compiled


def gelu(x: Any) -> Any:
    """`x Phi(x)`, Phi the standard normal distribution (Hendrycks & Gimpel 2016, section 2,
    https://arxiv.org/abs/1606.08415).

    Keras has it by the complementary error function, which takes TensorFlow twice as long. Written
    in this order it is what LiteRT's converter knows as GELU.
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
    """`ACTIVATION_FUNCTIONS[name](x)`, by the way that is fastest in training.

    TensorFlow computes GELU and its gradient in a dozen passes over memory, and XLA makes one
    pass of each. Without training it is left as it is, so that exported models hold nothing but
    common operations. Other backends fuse it by themselves.

    Args:
        name: a key of `ACTIVATION_FUNCTIONS`.
        x: any shape, floating point.
        training: whether a gradient is to follow.
    """
    if training and name == "gelu" and keras.backend.backend() == "tensorflow":
        return ops.custom_gradient(_gelu_with_gradient)(x)
    return ACTIVATION_FUNCTIONS[name](x)


def _gelu_with_gradient(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """GELU, and its derivative `Phi(x) + x phi(x)` times the gradient from above; phi is the
    density."""
    return _compiled_gelu(x), lambda upstream: _gelu_gradient(upstream, x)


_compiled_gelu = compiled(gelu)


@compiled
def _gelu_gradient(upstream: Any, x: Any) -> Any:
    return upstream * (_distribution(x) + x * _density(x))


def _distribution(x: Any) -> Any:
    return 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))


def _density(x: Any) -> Any:
    return ops.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
