"""Scaled dot-product attention, in the fastest form for each backend."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Finite, so that a query whose keys are all masked gets equal weights rather than NaN.
_MASKED = -1e9


def dot_product_attention(
    q: Any, k: Any, v: Any, mask: Any = None, dropout: Callable[[Any], Any] | None = None
) -> Any:
    """Computes `softmax(q k^T / sqrt(d_k)) v` for each head.

    TensorFlow has no fused attention, and Keras' substitute is slower than explicit matrix
    products. The other backends have one, for `d_k = d_v` and without dropout.

    Args:
        q: (batch, T, heads, d_k) queries.
        k: (batch, S, heads, d_k) keys.
        v: (batch, S, heads, d_v) values.
        mask: bool, broadcast to (batch, heads, T, S), True where a query may attend to a key. A
            query that may attend to no key gets the mean of all values.
        dropout: a function applied to the attention weights (batch, heads, T, S).

    Returns:
        (batch, T, heads, d_v).
    """
    fused = keras.backend.backend() != "tensorflow"
    if fused and dropout is None and q.shape[-1] == v.shape[-1]:
        return ops.dot_product_attention(q, k, v, mask=mask)
    # Heads before positions, so that the products of each head are matrix products.
    q = ops.transpose(q * (q.shape[-1] ** -0.5), (0, 2, 1, 3))
    k = ops.transpose(k, (0, 2, 3, 1))
    v = ops.transpose(v, (0, 2, 1, 3))
    scores = ops.cast(ops.matmul(q, k), "float32")
    if mask is not None:
        # So large that adding a score to it does not change it.
        scores = scores + ops.where(mask, 0.0, _MASKED)
    weights = ops.cast(ops.softmax(scores, axis=-1), v.dtype)
    if dropout is not None:
        weights = dropout(weights)
    return ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
