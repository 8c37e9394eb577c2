"""Where in the sequence a token is: learned, sinusoidal and rotary encodings."""

from typing import Any

import keras
import numpy as np
from keras import ops

from common.errors import ConfigError
from models.config import BackboneConfig
from models.serializable import Serializable


def sinusoidal_positions(length: int, d_model: int) -> np.ndarray:
    """`PE(pos, 2i) = sin(pos / 10000^(2i/d_model))`, `PE(pos, 2i+1) = cos` of the same angle.

    Returns:
        (length, d_model) float32.

    References:
        Vaswani et al. 2017, section 3.5 (https://arxiv.org/abs/1706.03762).
    """
    exponents = np.arange(0, d_model, 2) / d_model
    angles = np.arange(length)[:, None] / 10000.0**exponents
    encoding = np.empty((length, d_model), dtype=np.float32)
    encoding[:, 0::2] = np.sin(angles)
    encoding[:, 1::2] = np.cos(angles)[:, : d_model // 2]
    return encoding


@keras.saving.register_keras_serializable(package="models")
class PositionalEncoding(Serializable, keras.layers.Layer):
    """Adds to each position of a sequence the encoding of that position.

    With "learned" it is a trained vector for each position, with "sinusoidal" a fixed one. With
    "none" nothing is added, nor with "rotary", which is the attention's task.

    Args:
        config: the backbone's configuration.
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.table: Any = None

    def build(self, input_shape: tuple) -> None:
        """Makes the table of encodings, one row per position."""
        if self.config.position == "learned":
            self.table = self.add_weight(
                shape=(self.config.max_position, self.config.d_model),
                initializer=keras.initializers.TruncatedNormal(
                    stddev=self.config.initializer_range
                ),
                name="embeddings",
            )
        elif self.config.position == "sinusoidal":
            # No weight: it is the same in every model and belongs in no checkpoint.
            self.table = sinusoidal_positions(self.config.max_position, self.config.d_model)

    def call(self, inputs: Any) -> Any:
        """Encodes positions.

        Args:
            inputs: (batch, length, d_model).

        Returns:
            `inputs` with the encodings added.

        Raises:
            ConfigError: the sequence is longer than `max_position`.
        """
        length, longest = inputs.shape[1], self.config.max_position
        if length is not None and length > longest:
            raise ConfigError(
                f"a sequence of {length} tokens is longer than max_position ({longest}); cut it, "
                "or train a model with a larger max_position."
            )
        if self.table is None:
            return inputs
        table = ops.convert_to_tensor(self.table, dtype=inputs.dtype)
        return inputs + table[: ops.shape(inputs)[1]]

    def repeat(self, trained: int) -> None:
        """Fills the learned vectors beyond the first `trained` ones with those, again and again.

        A copy knows its neighbours, which a random vector does not (Beltagy et al. 2020,
        section 5, https://arxiv.org/abs/2004.05150). The first vector is that of [CLS], which
        comes once, so it is left out.

        Args:
            trained: how many vectors have been trained, at least 2.
        """
        if self.config.position == "learned":
            rows = np.arange(self.config.max_position)
            rows[trained:] = 1 + (rows[trained:] - 1) % (trained - 1)
            self.table.assign(ops.convert_to_numpy(self.table)[rows])


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
