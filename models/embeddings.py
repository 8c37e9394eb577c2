"""Token, position and segment embeddings."""

from typing import Any

import keras

from models.dropout import Dropout
from models.layer_norm import LayerNormalization
from models.positional_encoding import PositionalEncoding
from models.token_embedding import TokenEmbedding


@keras.saving.register_keras_serializable(package="models")
class Embeddings(keras.layers.Layer):
    """`dropout(norm(token + segment + position))`.

    All three start at the same small scale, so that none drowns another. With sinusoidal
    positions, whose scale is fixed at about 1, tokens start at `d_model ** -0.5` and are
    multiplied by `sqrt(d_model)` instead.

    Args:
        vocab_size: number of token ids.
        d_model: width.
        max_position: the longest sequence.
        num_segment: number of segment ids.
        position: as in `BackboneConfig`.
        dropout: share of the output that is dropped in training.
        epsilon: added to the variance in layer normalization.
        initializer_range: standard deviation of the first weights.
        embedding_width: of the table of token vectors; 0 for `d_model`.

    References:
        Devlin et al. 2019, figure 2 (https://arxiv.org/abs/1810.04805);
        scaling: Vaswani et al. 2017, section 3.4 (https://arxiv.org/abs/1706.03762).
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        max_position: int,
        num_segment: int = 2,
        position: str = "learned",
        dropout: float = 0.0,
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        embedding_width: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.d_model = d_model
        self.initializer_range = initializer_range
        self.scale = d_model**0.5 if position == "sinusoidal" else 1.0
        token_range = 1 / self.scale if position == "sinusoidal" else initializer_range
        self.token_embedding = TokenEmbedding(
            vocab_size,
            d_model,
            embedding_width,
            embeddings_initializer=keras.initializers.TruncatedNormal(stddev=token_range),
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.segment_embedding = keras.layers.Embedding(
            num_segment,
            d_model,
            embeddings_initializer=keras.initializers.TruncatedNormal(stddev=initializer_range),
            dtype=self.dtype_policy,
            name="segment_embedding",
        )
        self.positional_encoding = PositionalEncoding(
            max_position,
            d_model,
            position,
            initializer_range,
            dtype=self.dtype_policy,
            name="positional_encoding",
        )
        self.layer_norm = LayerNormalization(
            epsilon=epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape: tuple) -> None:
        """Makes the tables."""
        shape = (None, None, self.d_model)
        self.token_embedding.build()
        self.segment_embedding.build()
        self.positional_encoding.build(shape)
        self.layer_norm.build(shape)

    def call(self, token_ids: Any, segment_ids: Any, training: bool | None = None) -> Any:
        """Embeds tokens.

        Args:
            token_ids: (batch, length) int32.
            segment_ids: (batch, length) int32.

        Returns:
            (batch, length, d_model).
        """
        x = self.token_embedding(token_ids) * self.scale + self.segment_embedding(segment_ids)
        x = self.layer_norm(self.positional_encoding(x))
        return self.dropout(x, training=training)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "vocab_size": self.token_embedding.input_dim,
            "d_model": self.d_model,
            "max_position": self.positional_encoding.max_position,
            "num_segment": self.segment_embedding.input_dim,
            "position": self.positional_encoding.kind,
            "dropout": self.dropout.rate,
            "epsilon": self.layer_norm.epsilon,
            "initializer_range": self.initializer_range,
            "embedding_width": self.token_embedding.width,
        }
