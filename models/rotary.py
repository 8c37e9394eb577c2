"""Rotary position embedding: positions as angles between queries and keys."""

from typing import Any

import keras
import numpy as np
from keras import ops

_BASE = 10_000.0


def rotate(x: Any, positions: Any = None) -> Any:
    """Turns each pair of coordinates by an angle that grows with the position.

    The product of a query and a key so turned depends on how far apart they are, and not on
    where they stand, from the first step on: an attention with learned position vectors has to
    find that out. Coordinate i is paired with i + width / 2 and turned by
    `position * 10000^(-2i / width)`.

    Args:
        x: (batch, length, heads, width), width even.
        positions: (batch, length) int32, where each of them stands; None: 0, 1, 2, ...

    Returns:
        The same shape and dtype; position 0 is left as it is.

    References:
        Su et al. 2021, equation 34 (https://arxiv.org/abs/2104.09864).
    """
    half = x.shape[-1] // 2
    frequencies = (_BASE ** (-np.arange(half) / half)).astype("float32")
    if positions is None:
        positions = ops.arange(ops.shape(x)[1])
    angles = ops.expand_dims(ops.cast(positions, "float32"), (-2, -1)) * frequencies
    dtype = keras.backend.standardize_dtype(x.dtype)
    cosine, sine = ops.cast(ops.cos(angles), dtype), ops.cast(ops.sin(angles), dtype)
    # Two slices would each have a gradient as wide as the whole, mostly zeros.
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate(
        [first * cosine - second * sine, second * cosine + first * sine], axis=-1
    )
