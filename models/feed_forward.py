"""The position-wise feed-forward network."""

from typing import Any

import keras

from models.activations import activate
from models.dropout import Dropout


@keras.saving.register_keras_serializable(package="models")
class FeedForward(keras.layers.Layer):
    """`activation(x W_1 + b_1) W_2 + b_2` at each position.

    Args:
        d_ff: inner width.
        d_model: width of the output.
        activation: a key of `models.activations.ACTIVATION_FUNCTIONS`.
        dropout: share of the inner units that is dropped in training (0 in BERT).
        initializer_range: standard deviation of the first weights.

    References:
        Vaswani et al. 2017, section 3.3 (https://arxiv.org/abs/1706.03762).
    """

    def __init__(
        self,
        d_ff: int,
        d_model: int,
        activation: str = "gelu",
        dropout: float = 0.0,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.d_ff = d_ff
        self.d_model = d_model
        self.activation = activation
        self.initializer_range = initializer_range
        self.inner = self._dense(d_ff, "inner")
        self.outer = self._dense(d_model, "outer")
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape: tuple) -> None:
        """Makes both layers."""
        self.inner.build(input_shape)
        self.outer.build((None, None, self.d_ff))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """(batch, length, width) to (batch, length, d_model)."""
        hidden = activate(self.activation, self.inner(inputs), training)
        return self.outer(self.dropout(hidden, training=training))

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            dtype=self.dtype_policy,
            name=name,
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "d_ff": self.d_ff,
            "d_model": self.d_model,
            "activation": self.activation,
            "dropout": self.dropout.rate,
            "initializer_range": self.initializer_range,
        }
