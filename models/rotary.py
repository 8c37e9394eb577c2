"""Rotary position embedding: positions as angles between queries and keys."""

from typing import Any

import keras
import numpy as np
from keras import ops

_BASE = 10_000.0


def rotate(x: Any) -> Any:
    """Turns each pair of coordinates by an angle that grows with the position.

    The product of a query and a key so turned depends on how far apart they are, and not on
    where they stand, from the first step on: an attention with learned position vectors has to
    find that out. Coordinate i is paired with i + width / 2 and turned by
    `position * 10000^(-2i / width)`.

    Args:
        x: (batch, length, heads, width), width even.

    Returns:
        The same shape and dtype; the first position is left as it is.

    References:
        Su et al. 2021, equation 34 (https://arxiv.org/abs/2104.09864).
    """
    half = x.shape[-1] // 2
    frequencies = (_BASE ** (-np.arange(half) / half)).astype("float32")
    positions = ops.cast(ops.arange(ops.shape(x)[1]), "float32")
    angles = positions[:, None, None] * frequencies
    dtype = keras.backend.standardize_dtype(x.dtype)
    cosine, sine = ops.cast(ops.cos(angles), dtype), ops.cast(ops.sin(angles), dtype)
    first, second = x[..., :half], x[..., half:]
    return ops.concatenate(
        [first * cosine - second * sine, second * cosine + first * sine], axis=-1
    )
