"""Positional encodings: learned, sinusoidal and rotary."""

from typing import Any

import keras
import numpy as np
from keras import ops

from common.errors import ConfigError
from models.config import BackboneConfig
from models.serializable import Serializable


def sinusoidal_positions(length: int, d_model: int) -> np.ndarray:
    """Computes `PE(pos, 2i) = sin(pos / 10000^(2i/d_model))`; `PE(pos, 2i+1)` is its cosine.

    Args:
        length: the number of positions.
        d_model: the width of an encoding.

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
    """Adds the encoding of its position to each vector of a sequence.

    `config.position` selects one vector per position, trained ("learned") or fixed ("sinusoidal").
    With "none" nothing is added, nor with "rotary", which is applied in the attention.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> PositionalEncoding(config)(np.ones((1, 3, 64), "float32")).shape
        TensorShape([1, 3, 64])

    Args:
        config: the backbone's configuration.
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.table: Any = None

    def build(self, input_shape: tuple) -> None:
        """Creates the table of encodings, one row per position, after `position_offset` others."""
        if self.config.position == "learned":
            self.table = self.add_weight(
                shape=(
                    self.config.position_offset + self.config.max_position,
                    self.config.sum_width,
                ),
                initializer=keras.initializers.TruncatedNormal(
                    stddev=self.config.initializer_range
                ),
                name="embeddings",
            )
        elif self.config.position == "sinusoidal":
            # Not a weight: it is the same in every model and does not belong in a checkpoint.
            self.table = sinusoidal_positions(self.config.max_position, self.config.sum_width)

    def call(self, inputs: Any, positions: Any = None) -> Any:
        """Adds the encodings.

        Args:
            inputs: (batch, length, width).
            positions: (batch, length) int32, those of the vectors; None for 0, 1, 2, ...

        Returns:
            `inputs` with the encodings added, (batch, length, width).

        Raises:
            ConfigError: the sequence is longer than `max_position`.
        """
        length, longest = inputs.shape[1], self.config.max_position
        if length is not None and length > longest:
            raise ConfigError(
                f"a sequence of {length} tokens is longer than max_position ({longest}); truncate "
                "it, or train a model with a larger max_position."
            )
        if self.table is None:
            return inputs
        table = ops.convert_to_tensor(self.table, dtype=inputs.dtype)
        first = self.config.position_offset if self.config.position == "learned" else 0
        if positions is not None:
            return inputs + ops.take(table, positions + first, axis=0)
        return inputs + table[first : first + ops.shape(inputs)[1]]

    def tile(self, trained: int) -> None:
        """Fills the learned vectors beyond the first `trained` ones with copies of those.

        Unlike random vectors, copies preserve the relation between neighbouring positions (Beltagy
        et al. 2020, section 5, https://arxiv.org/abs/2004.05150). The vector of position 0, [CLS],
        is not copied.

        Args:
            trained: the number of trained vectors, at least 2.
        """
        if self.config.position == "learned":
            rows = np.arange(self.config.max_position)
            rows[trained:] = 1 + (rows[trained:] - 1) % (trained - 1)
            unread = np.arange(self.config.position_offset)
            rows = np.concatenate([unread, len(unread) + rows])
            self.table.assign(ops.convert_to_numpy(self.table)[rows])


_BASE = 10_000.0


def rotate(x: Any, positions: Any = None) -> Any:
    """Applies rotary position embeddings: rotates pairs of coordinates by a multiple of position.

    The dot product of a rotated query and a rotated key depends on their distance, not on their
    absolute positions; with learned position vectors the attention has to learn that. Coordinate i
    is paired with i + width / 2 and rotated by the angle `position * 10000^(-2i / width)`.

    Args:
        x: (batch, length, heads, width), width even.
        positions: (batch, length) int32, the positions of the vectors; None for 0, 1, 2, ...

    Returns:
        The same shape and dtype; position 0 is unchanged.

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
    # A split, because two slices would each have a zero-padded gradient of the full width.
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate(
        [first * cosine - second * sine, second * cosine + first * sine], axis=-1
    )
