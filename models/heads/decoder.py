"""A decoder: writes a sequence of tokens from what a backbone has read."""

from typing import Any, ClassVar

import keras
from keras import ops

from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.kernels.layer_norm import LayerNormalization
from models.layers.decoder_layer import DecoderLayer, KeysAndValues
from models.layers.positions import PositionalEncoding
from models.serializable import Serializable


def decoder_config(config: BackboneConfig, num_layers: int, max_position: int) -> TransformerConfig:
    """The sizes of a decoder that fits a backbone: of the same width, with the same heads.

    Args:
        config: the backbone's configuration, of any kind.
        num_layers: the number of layers.
        max_position: the longest sequence that is written, its start token included.

    Raises:
        ConfigError: the sizes are not possible.
    """
    return TransformerConfig(
        vocab_size=config.vocab_size,
        d_model=config.d_model,
        num_heads=config.num_heads,
        d_k=config.d_k,
        d_v=config.d_v,
        num_layers=num_layers,
        d_ff=4 * config.d_model,
        max_position=max_position,
        num_segments=0,
        position="learned" if config.d_k % 2 else "rotary",
        activation=config.activation,
        gelu_approximate=config.gelu_approximate,
        dropout=config.dropout,
        layer_norm_epsilon=config.layer_norm_epsilon,
        initializer_range=config.initializer_range,
        embedding_width=config.embedding_width,
        embedding_projection=config.embedding_projection,
    )


@keras.saving.register_keras_serializable(package="models")
class Decoder(Serializable, keras.layers.Layer):
    """A Transformer decoder over a backbone's output, with the backbone's token embedding.

    The token embedding is that of the input and, transposed, that of the output, with one bias per
    token.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> decoder = Decoder(decoder_config(config, num_layers=2, max_position=64), name="head")

    Args:
        config: see `decoder_config`.

    References:
        Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762); Lewis et al. 2020, "BART"
        (https://arxiv.org/abs/1910.13461);
        shared embedding: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
    """

    # See `models.heads.base.ClassificationHead`.
    starts_from: ClassVar[str | None] = None
    takes_over: ClassVar[str | None] = "denoising"
    for_pairs: ClassVar[bool] = False
    reads_pooled_output: ClassVar[bool] = False
    reads_sequence_output: ClassVar[bool] = True

    def __init__(self, config: TransformerConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.positional_encoding = PositionalEncoding(
            config, dtype=self.dtype_policy, name="positional_encoding"
        )
        self.embedding_norm = self._norm("embedding_norm")
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.decoder_layers = [
            DecoderLayer(config, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(config.num_layers)
        ]
        self.final_norm: LayerNormalization | None = None
        if config.normalization == "pre":
            self.final_norm = self._norm("final_norm")
        self.input_projection: keras.layers.Dense | None = None
        self.output_projection: keras.layers.Dense | None = None
        if config.sum_width != config.d_model:
            self.input_projection = self._dense("input_projection", config.d_model)
            self.output_projection = self._dense("output_projection", config.sum_width)

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(
            epsilon=self.config.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def _dense(self, name: str, units: int) -> keras.layers.Dense:
        initializer = keras.initializers.TruncatedNormal(stddev=self.config.initializer_range)
        return keras.layers.Dense(
            units, kernel_initializer=initializer, dtype=self.dtype_policy, name=name
        )

    @classmethod
    def min_parameters(cls, config: BackboneConfig, num_layers: int) -> int:
        """A lower bound on its parameters, computed from its large matrices.

        Args:
            config: the backbone's configuration.
            num_layers: the number of layers.
        """
        attention = 2 * config.d_model * config.num_heads * (config.d_k + config.d_v)
        return num_layers * (2 * attention + 8 * config.d_model**2)

    def build(self, *input_shapes: Any) -> None:
        """Creates all weights."""
        embedded = (None, None, self.config.sum_width)
        shape = (None, None, self.config.d_model)
        self.positional_encoding.build(embedded)
        self.embedding_norm.build(embedded)
        for layer in self.decoder_layers:
            layer.build(shape)
        if self.final_norm is not None:
            self.final_norm.build(shape)
        if self.input_projection is not None and self.output_projection is not None:
            self.input_projection.build(embedded)
            self.output_projection.build(shape)
        self.bias = self.add_weight(
            shape=(self.config.vocab_size,), initializer="zeros", autocast=False, name="bias"
        )

    def call(
        self,
        token_ids: Any,
        memory: Any,
        memory_mask: Any,
        token_embedding: Any,
        training: bool | None = None,
    ) -> Any:
        """Scores the token after each position, from those up to it.

        Args:
            token_ids: (batch, length) int32; padding stands at the end.
            memory: (batch, S, d_model), the backbone's sequence output.
            memory_mask: (batch, S) bool, True at tokens.
            token_embedding: the backbone's layer.
            training: whether dropout is active.

        Returns:
            (batch, length, vocab_size) float32 logits.
        """
        x = self.output_vectors(token_ids, memory, memory_mask, token_embedding, training)
        return self._logits(x, token_embedding)

    def output_vectors(
        self,
        token_ids: Any,
        memory: Any,
        memory_mask: Any,
        token_embedding: Any,
        training: bool | None = None,
    ) -> Any:
        """What `call` multiplies with the token embedding, (batch, length, sum_width)."""
        x = self._embedded(token_ids, token_embedding, None, training)
        for layer in self.decoder_layers:
            x = layer(x, memory, memory_mask, training=training)
        return self._last(x)

    def project_memory(self, memory: Any) -> list[KeysAndValues]:
        """What the layers attend to of a memory (batch, S, d_model), for `step`."""
        return [layer.project_memory(memory) for layer in self.decoder_layers]

    def step(
        self,
        token_ids: Any,
        before: list[KeysAndValues],
        memory: list[KeysAndValues],
        memory_mask: Any,
        token_embedding: Any,
    ) -> tuple[Any, list[KeysAndValues]]:
        """Scores the token after the last one of each sequence, in inference mode.

        It computes what `call` computes at the last position.

        Args:
            token_ids: (batch, 1) int32, the last tokens.
            before: what the layers keep of the tokens before them, see `DecoderLayer.step`.
            memory: what `project_memory` gave.
            memory_mask, token_embedding: as in `call`.

        Returns:
            (batch, vocab_size) float32 logits, and what the next step needs as `before`.
        """
        position = ops.cast(ops.shape(before[0].keys)[1], "int32")
        positions = ops.broadcast_to(position, ops.shape(token_ids))
        x, kept = self._embedded(token_ids, token_embedding, positions, False), []
        for layer, of_layer, memory_of_layer in zip(
            self.decoder_layers, before, memory, strict=True
        ):
            x, new = layer.step(x, of_layer, memory_of_layer, memory_mask)
            kept.append(new)
        return self._logits(self._last(x), token_embedding)[:, 0], kept

    def _embedded(
        self, token_ids: Any, token_embedding: Any, positions: Any, training: bool | None
    ) -> Any:
        x = self.positional_encoding(token_embedding(token_ids), positions)
        x = self.dropout(self.embedding_norm(x), training=training)
        return x if self.input_projection is None else self.input_projection(x)

    def _last(self, x: Any) -> Any:
        x = x if self.final_norm is None else self.final_norm(x)
        return x if self.output_projection is None else self.output_projection(x)

    def _logits(self, x: Any, token_embedding: Any) -> Any:
        # The product has the layer's precision; everything after it is float32.
        return ops.cast(token_embedding(x, reverse=True), "float32") + self.bias
