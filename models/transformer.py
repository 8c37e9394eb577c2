"""The Transformer encoder."""

from typing import Any, ClassVar

import keras

from models.backbone import Backbone
from models.config import BackboneConfig
from models.feed_forward import FeedForward
from models.layer_norm import LayerNormalization
from models.multi_head_attention import MultiHeadAttention
from models.residual import ResidualNormalization


@keras.saving.register_keras_serializable(package="models")
class TransformerLayer(keras.layers.Layer):
    """Self-attention, then a feed-forward network, each with a residual connection.

    Args:
        config: the sizes and choices.

    References:
        Vaswani et al. 2017, figure 1, left (https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        attention = MultiHeadAttention(
            config.num_header,
            config.d_k,
            config.d_v,
            config.d_model,
            config.attention_dropout,
            config.initializer_range,
            config.position == "rotary",
            dtype=self.dtype_policy,
            name="multi_head_attention",
        )
        feed_forward = FeedForward(
            config.d_ff,
            config.d_model,
            config.activation_name,
            initializer_range=config.initializer_range,
            dtype=self.dtype_policy,
            name="feed_forward",
        )
        self.attention = self._residual(attention, "attention")
        self.feed_forward = self._residual(feed_forward, "feed_forward")

    def build(self, input_shape: tuple) -> None:
        """Makes both sub-layers."""
        self.attention.build(input_shape)
        self.feed_forward.build(input_shape)

    def call(
        self, inputs: Any, padding_mask: Any, training: bool | None = None, positions: Any = None
    ) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, length, d_model).

        With `positions`, (batch, count) int32, only these attend to all the others, and the
        result is (batch, count, d_model).
        """
        x = self.attention(inputs, mask=padding_mask, training=training, positions=positions)
        return self.feed_forward(x, training=training)

    def _residual(self, sublayer: keras.layers.Layer, name: str) -> ResidualNormalization:
        config = self.config
        return ResidualNormalization(
            sublayer,
            config.normalization,
            config.dropout,
            config.layer_norm_epsilon,
            dtype=self.dtype_policy,
            name=name,
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TransformerLayer":
        """The layer that `get_config` described."""
        return cls(BackboneConfig.from_dict(config.pop("config")), **config)


@keras.saving.register_keras_serializable(package="models")
class TransformerEncoder(Backbone):
    """A stack of `num_layer` layers of self-attention.

    References:
        Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762);
        Devlin et al. 2019 (https://arxiv.org/abs/1810.04805).
    """

    defaults: ClassVar[dict[str, str]] = {"position": "rotary", "pooling": "cls"}
    learning_rates: ClassVar[dict[str, float]] = {"pretraining": 1e-3, "fine_tuning": 1.5e-3}
    unused: ClassVar[tuple[str, ...]] = ("filter_sizes", "num_filters")

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.encoder_layers = [
            TransformerLayer(config, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(config.num_layer)
        ]
        self.final_norm = None
        if config.normalization == "pre":
            self.final_norm = LayerNormalization(
                epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="final_norm"
            )

    def build_encoder(self, shape: tuple) -> None:
        """Makes the layers' weights."""
        for layer in self.encoder_layers:
            layer.build(shape)
        if self.final_norm is not None:
            self.final_norm.build(shape)

    def encode(self, embedded: Any, padding_mask: Any, training: bool | None) -> Any:
        """(batch, length, d_model) and (batch, length) bool to (batch, length, d_model)."""
        return self.encode_at(embedded, padding_mask, training, None)

    def encode_at(
        self, embedded: Any, padding_mask: Any, training: bool | None, positions: Any
    ) -> Any:
        """The last layer is computed at the positions alone: nothing reads it elsewhere."""
        x = embedded
        for layer in self.encoder_layers[:-1]:
            x = layer(x, padding_mask, training=training)
        x = self.encoder_layers[-1](x, padding_mask, training=training, positions=positions)
        return x if self.final_norm is None else self.final_norm(x)
