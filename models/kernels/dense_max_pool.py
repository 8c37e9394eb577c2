"""A dense layer with GELU, max-pooled over the tokens, with a sparse gradient."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.kernels.activations import gelu
from models.kernels.gather import gather_positions
from models.kernels.xla_compiled import compiled


def dense_max_pool(tokens: Any, dense: keras.layers.Dense, training: bool | None) -> Any:
    """Computes `max(gelu(dense(tokens)))` over the tokens of each document.

    The output of a unit depends on a single token. In training, that token is found without a
    gradient and the unit's output is then recomputed from it. So the gradient has one vector per
    unit rather than one per unit and token, nearly all of which would be zero.

    Args:
        tokens: (batch, length, width), floating point.
        dense: a built layer without an activation; not quantized if `training`.
        training: whether a gradient will be computed.

    Returns:
        (batch, units). NaN inputs give NaN.

    References:
        Kim 2014, "max-over-time pooling" (https://arxiv.org/abs/1408.5882).
    """
    if dense.quantization_mode is not None:
        return ops.maximum(*map(gelu, _ends(dense(tokens))))
    # The bias is the same at every token, so it is added after the maximum was taken.
    products = ops.matmul(tokens, dense.kernel)
    if training:
        return _recompute_at_argmax(tokens, ops.stop_gradient(products), dense)
    return ops.maximum(*(gelu(end + dense.bias) for end in _ends(products)))


def _recompute_at_argmax(tokens: Any, products: Any, dense: keras.layers.Dense) -> Any:
    """Recomputes each unit's output from its deciding token, (batch, units)."""
    highest, lowest = _ends(products)
    is_highest = gelu(highest + dense.bias) >= gelu(lowest + dense.bias)
    deciding = ops.where(is_highest, highest, lowest)
    vectors = gather_positions(tokens, _position_of(products, deciding))
    again = ops.custom_gradient(_dot_products)(vectors, ops.transpose(dense.kernel))
    return gelu(ops.where(ops.isnan(deciding), deciding, again) + dense.bias)


def _ends(found: Any) -> tuple[Any, Any]:
    """The highest and the lowest value over the tokens.

    GELU first falls and then rises, so its maximum is at one of the two.
    """
    return ops.max(found, axis=1), ops.min(found, axis=1)


@compiled
def _position_of(products: Any, values: Any) -> Any:
    """The first position whose product equals the value, (batch, units) int32."""
    length = ops.shape(products)[1]
    positions = ops.arange(length, dtype="int32")[None, :, None]
    return ops.min(ops.where(products == values[:, None], positions, length - 1), axis=1)


def _dot_products(vectors: Any, units: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Row-wise dot products of (batch, units, width) and (units, width): (batch, units)."""
    return _forward(vectors, units), lambda upstream: _backward(upstream, vectors, units)


@compiled
def _forward(vectors: Any, units: Any) -> Any:
    products = ops.cast(vectors, "float32") * ops.cast(units, "float32")
    return ops.cast(ops.sum(products, axis=-1), vectors.dtype)


@compiled
def _backward(upstream: Any, vectors: Any, units: Any) -> tuple[Any, Any]:
    upstream = ops.cast(upstream, "float32")[..., None]
    of_units = ops.sum(upstream * ops.cast(vectors, "float32"), axis=0)
    of_vectors = upstream * ops.cast(units, "float32")
    return ops.cast(of_vectors, vectors.dtype), ops.cast(of_units, units.dtype)
