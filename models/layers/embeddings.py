"""Token, position and segment embeddings."""

from typing import Any

import keras

from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.kernels.layer_norm import LayerNormalization
from models.layers.positions import PositionalEncoding
from models.layers.token_embedding import TokenEmbedding
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class Embeddings(Serializable, keras.layers.Layer):
    """Computes `dropout(norm(token + segment + position))`.

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
        scaling: Vaswani et al. 2017, section 3.4 (https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        fixed = config.position == "sinusoidal"
        self.scale = config.d_model**0.5 if fixed else 1.0
        token_range = 1 / self.scale if fixed else config.initializer_range
        self.token_embedding = TokenEmbedding(
            config.vocab_size,
            config.d_model,
            config.embedding_width,
            embeddings_initializer=keras.initializers.TruncatedNormal(stddev=token_range),
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.segment_embedding = keras.layers.Embedding(
            config.num_segments,
            config.d_model,
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

    def build(self, input_shape: tuple) -> None:
        """Creates the embedding tables and the normalization."""
        shape = (None, None, self.config.d_model)
        self.token_embedding.build()
        self.segment_embedding.build()
        self.positional_encoding.build(shape)
        self.layer_norm.build(shape)

    def call(self, token_ids: Any, segment_ids: Any, training: bool | None = None) -> Any:
        """Embeds tokens.

        Args:
            token_ids: (batch, length) int32.
            segment_ids: (batch, length) int32.
            training: whether dropout is active.

        Returns:
            (batch, length, d_model).
        """
        x = self.token_embedding(token_ids) * self.scale + self.segment_embedding(segment_ids)
        x = self.layer_norm(self.positional_encoding(x))
        return self.dropout(x, training=training)
