"""Scaled dot-product attention, by the way that is fastest on each backend."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Finite, so that a row that may attend to nothing gets equal weights rather than NaN.
_MASKED = -1e9


def dot_product_attention(
    q: Any, k: Any, v: Any, mask: Any = None, dropout: Callable[[Any], Any] | None = None
) -> Any:
    """`softmax(q k^T / sqrt(d_k)) v` for each head.

    TensorFlow has no fused attention, and what Keras does there instead takes longer than the
    products written out. Other backends have one, for heads of one size and without dropout.

    Args:
        q: (batch, T, heads, d_k) queries.
        k: (batch, S, heads, d_k) keys.
        v: (batch, S, heads, d_v) values.
        mask: bool, to be broadcast to (batch, heads, T, S), True where there is something to
            attend to. A query that may attend to nothing gets the mean of all values.
        dropout: what is to be done to the weights (batch, heads, T, S), if anything.

    Returns:
        (batch, T, heads, d_v).
    """
    fused = keras.backend.backend() != "tensorflow"
    if fused and dropout is None and q.shape[-1] == v.shape[-1]:
        return ops.dot_product_attention(q, k, v, mask=mask)
    # Heads before positions: each head's products are matrix products then.
    q = ops.transpose(q * (q.shape[-1] ** -0.5), (0, 2, 1, 3))
    k = ops.transpose(k, (0, 2, 3, 1))
    v = ops.transpose(v, (0, 2, 1, 3))
    scores = ops.cast(ops.matmul(q, k), "float32")
    if mask is not None:
        # So large that what is added to it is rounded away.
        scores = scores + ops.where(mask, 0.0, _MASKED)
    weights = ops.cast(ops.softmax(scores, axis=-1), v.dtype)
    if dropout is not None:
        weights = dropout(weights)
    return ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
