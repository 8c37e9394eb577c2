"""Where in the sequence a token stands: learned or sinusoidal encodings."""

from typing import Any

import keras
import numpy as np
from keras import ops

from common.errors import ConfigError
from models.config import POSITIONS


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
class PositionalEncoding(keras.layers.Layer):
    """Adds to each position of a sequence the encoding of that position.

    Args:
        max_position: the longest sequence.
        d_model: width of a position.
        kind: "learned" (a trained vector a position), "sinusoidal" (fixed); with "none" nothing is
            added, nor with "rotary", which the attention sees to.
        initializer_range: standard deviation of the learned vectors' first values.
    """

    def __init__(
        self,
        max_position: int,
        d_model: int,
        kind: str = "learned",
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in POSITIONS:
            raise ConfigError(f"position must be one of {', '.join(POSITIONS)}, not {kind!r}.")
        self.max_position = max_position
        self.d_model = d_model
        self.kind = kind
        self.initializer_range = initializer_range
        self.table: Any = None

    def build(self, input_shape: tuple) -> None:
        """Makes the table of encodings, a row a position."""
        if self.kind == "learned":
            self.table = self.add_weight(
                shape=(self.max_position, self.d_model),
                initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
                name="embeddings",
            )
        elif self.kind == "sinusoidal":
            # No weight: it is the same in every model and belongs in no checkpoint.
            self.table = sinusoidal_positions(self.max_position, self.d_model)

    def call(self, inputs: Any) -> Any:
        """Encodes positions.

        Args:
            inputs: (batch, length, d_model).

        Returns:
            `inputs` with the encodings added.

        Raises:
            ConfigError: the sequence is longer than `max_position`.
        """
        length = inputs.shape[1]
        if length is not None and length > self.max_position:
            raise ConfigError(
                f"a sequence of {length} tokens is longer than max_position "
                f"({self.max_position}); cut it, or train a model with a larger max_position."
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
        if self.kind == "learned":
            rows = np.arange(self.max_position)
            rows[trained:] = 1 + (rows[trained:] - 1) % (trained - 1)
            self.table.assign(ops.convert_to_numpy(self.table)[rows])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "max_position": self.max_position,
            "d_model": self.d_model,
            "kind": self.kind,
            "initializer_range": self.initializer_range,
        }
