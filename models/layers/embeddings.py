"""Token, position and segment embeddings."""

from typing import Any

import keras
from keras import ops

from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.kernels.layer_norm import LayerNormalization
from models.layers.positions import PositionalEncoding
from models.layers.token_embedding import TokenEmbedding
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class Embeddings(Serializable, keras.layers.Layer):
    """Computes `dropout(norm(token + segment + position))`.

    With `config.embedding_projection` "sum" and an `embedding_width` E, all three are of width E,
    and what is computed above is then projected to `d_model`.

    All three embeddings are initialized at the same small scale, so that none dominates. With
    sinusoidal positions, whose scale is fixed at about 1, token embeddings are instead initialized
    at `d_model ** -0.5` and multiplied by `sqrt(d_model)`.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> Embeddings(config)(np.array([[1, 7, 2]]), np.array([[0, 0, 0]])).shape
        TensorShape([1, 3, 64])

    Args:
        config: the backbone's configuration.

    References:
        Devlin et al. 2019, figure 2 (https://arxiv.org/abs/1810.04805);
        scaling: Vaswani et al. 2017, section 3.4 (https://arxiv.org/abs/1706.03762);
        projection of the sum: Lan et al. 2020, section 3.1 (https://arxiv.org/abs/1909.11942).
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        fixed = config.position == "sinusoidal"
        self.scale = config.sum_width**0.5 if fixed else 1.0
        projects_sum = config.embedding_projection == "sum"
        token_range = 1 / self.scale if fixed else config.initializer_range
        self.token_embedding = TokenEmbedding(
            config.vocab_size,
            config.sum_width,
            0 if projects_sum else config.embedding_width,
            embeddings_initializer=keras.initializers.TruncatedNormal(stddev=token_range),
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.segment_embedding: keras.layers.Embedding | None = None
        if config.num_segments:
            self.segment_embedding = keras.layers.Embedding(
                config.num_segments,
                config.sum_width,
                embeddings_initializer=keras.initializers.TruncatedNormal(
                    stddev=config.initializer_range
                ),
                dtype=self.dtype_policy,
                name="segment_embedding",
            )
        self.positional_encoding = PositionalEncoding(
            config, dtype=self.dtype_policy, name="positional_encoding"
        )
        self.layer_norm = LayerNormalization(
            epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.projection: keras.layers.Dense | None = None
        if projects_sum and config.embedding_width:
            self.projection = keras.layers.Dense(
                config.d_model,
                kernel_initializer=keras.initializers.TruncatedNormal(
                    stddev=config.initializer_range
                ),
                dtype=self.dtype_policy,
                name="projection",
            )

    def build(self, input_shape: tuple) -> None:
        """Creates the embedding tables, the normalization and, if there is one, the projection."""
        shape = (None, None, self.config.sum_width)
        self.token_embedding.build()
        if self.segment_embedding is not None:
            self.segment_embedding.build()
        self.positional_encoding.build(shape)
        self.layer_norm.build(shape)
        if self.projection is not None:
            self.projection.build(shape)

    def call(self, token_ids: Any, segment_ids: Any, training: bool | None = None) -> Any:
        """Embeds tokens.

        Args:
            token_ids: (batch, length) int32.
            segment_ids: (batch, length) int32; not read where segments are not told apart.
            training: whether dropout is active.

        Returns:
            (batch, length, d_model).
        """
        return self._combined(self.token_embedding(token_ids), segment_ids, None, training)

    def at_positions(
        self, vector: Any, segment_ids: Any, positions: Any, training: bool | None = None
    ) -> Any:
        """Embeds one vector, in the place of a token's, at some positions.

        Args:
            vector: (sum_width,).
            segment_ids: (batch, count) int32, those of the positions.
            positions: (batch, count) int32.
            training: whether dropout is active.

        Returns:
            (batch, count, d_model).
        """
        x = ops.cast(vector, self.compute_dtype)
        x = ops.broadcast_to(x, (*ops.shape(positions), x.shape[-1]))
        return self._combined(x, segment_ids, positions, training)

    def _combined(self, x: Any, segment_ids: Any, positions: Any, training: bool | None) -> Any:
        """Adds segments and positions to the vectors of tokens, (batch, count, d_model)."""
        x = x * self.scale
        if self.segment_embedding is not None:
            # With one segment, as in RoBERTa, the parts of a pair are not told apart.
            ids = segment_ids if self.config.num_segments > 1 else ops.zeros_like(segment_ids)
            x = x + self.segment_embedding(ids)
        x = self.layer_norm(self.positional_encoding(x, positions))
        x = self.dropout(x, training=training)
        return x if self.projection is None else self.projection(x)
