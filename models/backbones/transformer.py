"""The Transformer encoder."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import keras
from keras import ops

from models.backbones.base import Backbone
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig
from models.kernels.gather import gather_positions
from models.kernels.layer_norm import LayerNormalization
from models.layers.feed_forward import FeedForward
from models.layers.multi_head_attention import MultiHeadAttention, prefix_mask
from models.layers.permutation import permutation_masks
from models.layers.residual import ResidualBlock
from models.layers.windowed_attention import WindowedAttention
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class TransformerLayer(Serializable, keras.layers.Layer):
    """Self-attention, then a feed-forward network, each with a residual connection.

    Args:
        config: the architecture.
        first: the first layer of the stack, with which this one shares the sub-layers that
            `config.share_layers` names, their normalization included; None: this is the first.

    References:
        Vaswani et al. 2017, figure 1, left (https://arxiv.org/abs/1706.03762);
        shared layers: Lan et al. 2020, section 3.1 (https://arxiv.org/abs/1909.11942).
    """

    def __init__(
        self, config: TransformerConfig, first: "TransformerLayer | None" = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        shared = {name: getattr(first, name) for name in config.shared_sublayers if first}
        self.attention: ResidualBlock = shared.get("attention") or self._attention_block()
        self.feed_forward: ResidualBlock = shared.get("feed_forward") or self._feed_forward_block()

    def _attention_block(self) -> ResidualBlock:
        config = self.config
        make: Callable[..., MultiHeadAttention] = MultiHeadAttention
        if config.attention_window:
            make = partial(WindowedAttention, window=config.attention_window)
        attention = make(
            num_heads=config.num_heads,
            d_k=config.d_k,
            d_v=config.d_v,
            d_model=config.d_model,
            dropout=config.attention_dropout,
            initializer_range=config.initializer_range,
            rotary=config.position == "rotary",
            dtype=self.dtype_policy,
            name="multi_head_attention",
        )
        return ResidualBlock(attention, config, dtype=self.dtype_policy, name="attention")

    def _feed_forward_block(self) -> ResidualBlock:
        feed_forward = FeedForward(self.config, dtype=self.dtype_policy, name="feed_forward")
        return ResidualBlock(
            feed_forward, self.config, dtype=self.dtype_policy, name="feed_forward"
        )

    def build(self, input_shape: tuple) -> None:
        """Creates the weights of those sub-layers that the first layer has not created."""
        for block in (self.attention, self.feed_forward):
            if not block.built:
                block.build(input_shape)

    def call(
        self,
        inputs: Any,
        mask: Any,
        training: bool | None = None,
        positions: Any = None,
        visibility: str = "both",
        memory: Any = None,
    ) -> Any:
        """Applies both sub-layers.

        Args:
            inputs: (batch, length, d_model).
            mask, visibility: as in `MultiHeadAttention`.
            training: whether dropout is active.
            positions: (batch, count) int32, the only positions to compute; they still attend to
                all positions. None for all of them.
            memory: (batch, length, d_model), what is attended to in place of the inputs, which are
                then those at `positions`; None for the inputs.

        Returns:
            (batch, length, d_model), or (batch, count, d_model).
        """
        x = self.attention(
            inputs,
            mask=mask,
            training=training,
            positions=positions,
            visibility=visibility,
            memory=memory,
        )
        return self.feed_forward(x, training=training)


@keras.saving.register_keras_serializable(package="models")
class TransformerEncoder(Backbone):
    """A stack of `num_layers` Transformer layers, which may share their weights.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> build(TransformerEncoder(config))(inputs)["pooled_output"].shape
        TensorShape([1, 64])

    Args:
        config: the architecture.

    References:
        Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762);
        Devlin et al. 2019 (https://arxiv.org/abs/1810.04805);
        shared layers: Lan et al. 2020, section 3.1 (https://arxiv.org/abs/1909.11942).
    """

    config_class: ClassVar[type[BackboneConfig]] = TransformerConfig
    visibilities: ClassVar[tuple[str, ...]] = ("both", "left", "right", "prefix")
    has_query_stream: ClassVar[bool] = True

    def __init__(self, config: TransformerConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        first = TransformerLayer(config, dtype=self.dtype_policy, name="layer_0")
        self.encoder_layers = [first] + [
            TransformerLayer(config, first, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(1, config.num_layers)
        ]
        self.final_norm = None
        if config.normalization == "pre":
            self.final_norm = LayerNormalization(
                epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="final_norm"
            )

    @classmethod
    def visibilities_of(cls, config: BackboneConfig) -> tuple[str, ...]:
        """See `Backbone.visibilities_of`; a window has no place for a prefix."""
        windowed = isinstance(config, TransformerConfig) and config.attention_window
        return cls.visibilities[:3] if windowed else cls.visibilities

    def build_encoder(self, shape: tuple) -> None:
        """Creates the weights of the layers and of the final normalization."""
        for layer in self.encoder_layers:
            layer.build(shape)
        if self.final_norm is not None:
            self.final_norm.build(shape)

    def encode(
        self,
        embedded: Any,
        padding_mask: Any,
        *,
        training: bool | None = None,
        visibility: str = "both",
        positions: Any = None,
        layers: bool = False,
        prefix: Any = None,
    ) -> list[Any]:
        """See `Backbone.encode`; the last layer is computed at `positions` only."""
        mask = last_mask = padding_mask
        if visibility == "prefix":
            mask, visibility = prefix_mask(padding_mask, prefix), "both"
            last_mask = gather_positions(mask, positions)
        x, outputs = embedded, []
        for layer in self.encoder_layers[:-1]:
            x = layer(x, mask, training=training, visibility=visibility)
            outputs.append(x)
        x = self.encoder_layers[-1](
            x, last_mask, training=training, positions=positions, visibility=visibility
        )
        x = x if self.final_norm is None else self.final_norm(x)
        return [*outputs, x] if layers else [x]

    def levels(self) -> list[list[keras.layers.Layer]]:
        """See `Backbone.levels`; each layer is one."""
        top = [each for each in (self.final_norm, self.pooling) if each is not None]
        *lower, last = self.encoder_layers
        return [[self.embeddings], *([layer] for layer in lower), [last, *top]]

    def add_adapters(
        self, make: Callable[[int, str], keras.layers.Layer], *, everywhere: bool
    ) -> None:
        """See `Backbone.add_adapters`; the sub-layers are attention and feed-forward network."""
        for layer in self.encoder_layers:
            for block in (layer.attention, layer.feed_forward):
                # Layers may share their blocks.
                if block.adapter is None and (everywhere or block is layer.feed_forward):
                    block.adapter = make(self.config.d_model, "adapter")

    def low_rank_layers(self) -> list[keras.layers.Layer]:
        """W^Q and W^V of each attention (Hu et al. 2021, section 7.1)."""
        attentions = {id(each.attention): each.attention.sublayer for each in self.encoder_layers}
        return [
            projection for each in attentions.values() for projection in (each.query, each.value)
        ]

    def query_stream(
        self, inputs: Mapping[str, Any], start: Any, positions: Any, training: bool | None = None
    ) -> Any:
        """See `Backbone.query_stream`; both streams have the same weights."""
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        content_mask, query_mask = permutation_masks(positions, padding_mask)
        segments = inputs["segment_ids"]
        content = self.embeddings(inputs["token_ids"], segments, training=training)
        segments = ops.take_along_axis(segments, positions, axis=1)
        query = self.embeddings.at_positions(start, segments, positions, training)
        for layer in self.encoder_layers:
            query = layer(query, query_mask, training=training, positions=positions, memory=content)
            if layer is not self.encoder_layers[-1]:  # Nothing reads the content after it.
                content = layer(content, content_mask, training=training)
        return query if self.final_norm is None else self.final_norm(query)
