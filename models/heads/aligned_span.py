"""A span head that compares each token of the passage with the question first."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.heads.span import SpanHead
from models.kernels.layer_norm import LayerNormalization

_MASKED = -3e4  # finite even in half precision, and below every real value
_REACH = 5
_LAYERS = 2


@keras.saving.register_keras_serializable(package="models")
class AlignedSpanHead(SpanHead):
    """Aligns each token with the question, compares the two, and looks at the tokens around.

    A token x, the embedding and the encoder's output at a position, attends to the tokens y of the
    question: z is the mean of all y, weighted by the softmax of `Wx . Wy / sqrt(d_model)`. A dense
    layer turns `[x, Wx, z, Wx * z, q, m]` into a vector per position, where q, the maximum of Wy
    over the question, says what is asked for, and m is 1 where the very token is one of the
    question, which is known before anything is learned. Two convolutions over 11 positions each,
    with residuals, follow: an answer is no part of the question, it stands beside the words that
    are. So a question finds its place even if the backbone, like a TextCNN, sees a few tokens at a
    time.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = AlignedSpanHead(config, dropout=0.1)

    Args:
        As for `SpanHead`.

    References:
        Chen et al. 2017, "Reading Wikipedia to answer open-domain questions", section 3.2: exact
        match and aligned question embedding (https://arxiv.org/abs/1704.00051). Yu et al. 2018,
        QANet, section 2.2: the convolutions (https://arxiv.org/abs/1804.09541).
    """

    def build_tokens(self) -> int:
        """Creates the projection, the comparison and the convolutions."""
        width = self.config.d_model
        self.projection = self._dense(width, "projection", None)
        self.projection.build((None, None, 2 * width))
        self.comparison = self._dense(width, "comparison", "gelu")
        self.comparison.build((None, None, 6 * width + 1))
        self.normalizations, self.convolutions = [], []
        for number in range(_LAYERS):
            normalization = LayerNormalization(
                epsilon=self.config.layer_norm_epsilon,
                dtype=self.dtype_policy,
                name=f"layer_norm_{number}",
            )
            convolution = keras.layers.Conv1D(
                width,
                2 * _REACH + 1,
                padding="same",
                activation="gelu",
                dtype=self.dtype_policy,
                name=f"convolution_{number}",
            )
            normalization.build((None, None, width))
            convolution.build((None, None, width))
            self.normalizations.append(normalization)
            self.convolutions.append(convolution)
        return width

    def _dense(self, width: int, name: str, activation: str | None) -> keras.layers.Dense:
        return keras.layers.Dense(width, activation=activation, dtype=self.dtype_policy, name=name)

    def tokens(
        self, outputs: Mapping[str, Any], question: Any, passage: Any, training: bool | None
    ) -> Any:
        """Computes the vectors of the positions, (batch, length, d_model)."""
        x = ops.concatenate([outputs["embedding_output"], outputs["sequence_output"]], axis=-1)
        x = self.dropout(x, training=training)
        projected = self.projection(x)
        scores = ops.matmul(projected, ops.swapaxes(projected, 1, 2))
        scores = ops.cast(scores, "float32") * self.config.d_model**-0.5
        scores = ops.where(ops.expand_dims(question, 1), scores, _MASKED)
        weights = ops.cast(ops.softmax(scores, axis=-1), projected.dtype)
        aligned = ops.matmul(weights, projected)
        ids = outputs["token_ids"]
        same = (ops.expand_dims(ids, 2) == ops.expand_dims(ids, 1)) & ops.expand_dims(question, 1)
        match = ops.cast(ops.any(same, axis=2, keepdims=True), projected.dtype)
        asked = ops.max(
            ops.where(ops.expand_dims(question, 2), projected, _MASKED), axis=1, keepdims=True
        )
        asked = ops.broadcast_to(asked, ops.shape(projected))
        found = self.comparison(
            ops.concatenate([x, projected, aligned, projected * aligned, asked, match], axis=-1)
        )
        # Positions outside of the passage look like those beyond the end of the row.
        inside = ops.expand_dims(ops.cast(passage, found.dtype), 2)
        for normalization, convolution in zip(self.normalizations, self.convolutions, strict=True):
            found = found + convolution(normalization(found) * inside)
        return found
