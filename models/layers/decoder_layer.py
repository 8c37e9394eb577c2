"""One layer of a Transformer decoder."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from models.backbones.transformer_config import TransformerConfig
from models.kernels.dropout import Dropout
from models.kernels.layer_norm import LayerNormalization
from models.layers.feed_forward import FeedForward
from models.layers.multi_head_attention import MultiHeadAttention
from models.serializable import Serializable


class KeysAndValues(NamedTuple):
    """What an attention attends to, projected.

    Attributes:
        keys: (batch, length, num_heads, d_k).
        values: (batch, length, num_heads, d_v).
    """

    keys: Any
    values: Any


@keras.saving.register_keras_serializable(package="models")
class DecoderLayer(Serializable, keras.layers.Layer):
    """Causal self-attention, attention to a memory, and a feed-forward network.

    Each has a residual connection and a normalization, as `models.layers.residual.ResidualBlock`
    describes them; the memory itself is not normalized.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> layer, memory = DecoderLayer(config), np.ones((1, 5, 64), "float32")
        >>> layer(memory[:, :3], memory, np.ones((1, 5), bool)).shape
        TensorShape([1, 3, 64])

    Args:
        config: the decoder's configuration.

    References:
        Vaswani et al. 2017, figure 1, right (https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, config: TransformerConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        rotary = config.position == "rotary"
        self.self_attention = self._attention("self_attention", rotary=rotary)
        # A position of the memory has nothing to do with one of the sequence.
        self.cross_attention = self._attention("cross_attention", rotary=False)
        self.feed_forward = FeedForward(config, dtype=self.dtype_policy, name="feed_forward")
        self.self_attention_norm = self._norm("self_attention_norm")
        self.cross_attention_norm = self._norm("cross_attention_norm")
        self.feed_forward_norm = self._norm("feed_forward_norm")
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")

    def _attention(self, name: str, *, rotary: bool) -> MultiHeadAttention:
        config = self.config
        return MultiHeadAttention(
            num_heads=config.num_heads,
            d_k=config.d_k,
            d_v=config.d_v,
            d_model=config.d_model,
            dropout=config.attention_dropout,
            initializer_range=config.initializer_range,
            rotary=rotary,
            dtype=self.dtype_policy,
            name=name,
        )

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(
            epsilon=self.config.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def build(self, input_shape: tuple, *further: Any) -> None:
        """Creates all weights."""
        shape = (None, None, self.config.d_model)
        for layer in (
            self.self_attention,
            self.cross_attention,
            self.feed_forward,
            self.self_attention_norm,
            self.cross_attention_norm,
            self.feed_forward_norm,
        ):
            layer.build(shape)

    def call(self, inputs: Any, memory: Any, memory_mask: Any, training: bool | None = None) -> Any:
        """Applies the layer to whole sequences.

        Args:
            inputs: (batch, length, d_model); padding stands at the end.
            memory: (batch, S, d_model), such as the output of an encoder.
            memory_mask: (batch, S) bool, True at tokens.
            training: whether dropout is active.

        Returns:
            (batch, length, d_model).
        """
        everywhere = ops.ones(ops.shape(inputs)[:2], "bool")

        def attend(x: Any) -> Any:
            return self.self_attention(x, mask=everywhere, visibility="left", training=training)

        def attend_to_memory(x: Any) -> Any:
            return self.cross_attention(x, memory, mask=memory_mask, training=training)

        x = self._residual(self.self_attention_norm, attend, inputs, training)
        x = self._residual(self.cross_attention_norm, attend_to_memory, x, training)
        feed_forward = self.feed_forward
        return self._residual(self.feed_forward_norm, feed_forward, x, training)

    def project_memory(self, memory: Any) -> KeysAndValues:
        """What `step` attends to of a memory (batch, S, d_model)."""
        return KeysAndValues(*self.cross_attention.keys_and_values(memory))

    def step(
        self, inputs: Any, before: KeysAndValues, memory: KeysAndValues, memory_mask: Any
    ) -> tuple[Any, KeysAndValues]:
        """Applies the layer to the next position of each sequence, in inference mode.

        Args:
            inputs: (batch, 1, d_model).
            before: of the positions before it, (batch, t, num_heads, ...); t may be 0.
            memory: what `project_memory` gave.
            memory_mask: (batch, S) bool.

        Returns:
            (batch, 1, d_model), and what the position after it needs as `before`.
        """
        t = ops.shape(before.keys)[1]
        positions = ops.broadcast_to(ops.cast(t, "int32"), (ops.shape(inputs)[0], 1))
        kept = before

        def attend(x: Any) -> Any:
            nonlocal kept
            new = self.self_attention.keys_and_values(x, positions)
            kept = KeysAndValues(
                ops.concatenate([before.keys, new[0]], axis=1),
                ops.concatenate([before.values, new[1]], axis=1),
            )
            return self.self_attention.attend(x, *kept, positions=positions)

        def attend_to_memory(x: Any) -> Any:
            return self.cross_attention.attend(x, *memory, mask=memory_mask)

        x = self._residual(self.self_attention_norm, attend, inputs)
        x = self._residual(self.cross_attention_norm, attend_to_memory, x)
        return self._residual(self.feed_forward_norm, self.feed_forward, x), kept

    def _residual(
        self,
        norm: LayerNormalization,
        function: Callable[[Any], Any],
        x: Any,
        training: bool | None = False,
    ) -> Any:
        if self.config.normalization == "pre":
            return x + self.dropout(function(norm(x)), training=training)
        return norm(x + self.dropout(function(x), training=training))
