"""Heads for pairs of texts: from a backbone's output for `[CLS] A [SEP] B [SEP]` to scores."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.heads.base import ClassificationHead
from models.kernels.layer_norm import LayerNormalization

# Finite, also in half precision; what is masked never wins against a token.
_MASKED = -3e4


@keras.saving.register_keras_serializable(package="models")
class AlignmentHead(ClassificationHead):
    """Aligns each token with the other text, compares the two, and pools each text by itself.

    A token x of one text attends to the tokens y of the other: z is their mean, weighted by the
    softmax of `x . y / sqrt(d_model)`. A dense layer compares `[x, z, x - z, x * z]`, and is
    normalized. The mean and the maximum of that over the first text, u, and over the second, v,
    give the pair's vector `[u, v, |u - v|, u * v]`. So texts are compared even where the
    backbone, as a TextCNN, looks no further than a few tokens.

    References:
        Chen et al. 2017, "Enhanced LSTM for natural language inference", sections 3.2 and 3.3
        (https://arxiv.org/abs/1609.06038), without its LSTMs and with layer normalization; the
        last vector is that of Conneau et al. 2017, "InferSent", section 3.1
        (https://arxiv.org/abs/1705.02364).
    """

    for_pairs: ClassVar[bool] = True

    def build_document(self) -> int:
        """Makes the comparison, `4 d_model` to `d_model`, and its normalization."""
        width = self.config.d_model
        self.comparison = keras.layers.Dense(
            width, activation="gelu", dtype=self.dtype_policy, name="comparison"
        )
        self.comparison.build((None, None, 4 * width))
        # Without it the products above grow, and at the usual learning rates nothing is learned.
        self.layer_norm = LayerNormalization(
            epsilon=self.config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.layer_norm.build((None, None, width))
        return 8 * width

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, 8 d_model)."""
        tokens = self.dropout(outputs["sequence_output"], training=training)
        second = ops.cast(outputs["segment_ids"], "bool") & padding_mask
        first = padding_mask & ~second
        compared = self._compare(tokens, first, second)
        u, v = _mean_and_max(compared, first), _mean_and_max(compared, second)
        return ops.concatenate([u, v, ops.abs(u - v), u * v], axis=-1)

    def _compare(self, tokens: Any, first: Any, second: Any) -> Any:
        """(batch, length, d_model): each token against what it is aligned with."""
        scores = ops.matmul(tokens, ops.swapaxes(tokens, 1, 2))
        scores = ops.cast(scores, "float32") * self.config.d_model**-0.5
        # (batch, from, to): from a token of one text to those of the other.
        other = (first[:, :, None] & second[:, None, :]) | (second[:, :, None] & first[:, None, :])
        weights = ops.softmax(ops.where(other, scores, _MASKED), axis=-1)
        weights = ops.cast(weights * ops.cast(other, "float32"), tokens.dtype)
        aligned = ops.matmul(weights, tokens)
        compared = self.comparison(
            ops.concatenate([tokens, aligned, tokens - aligned, tokens * aligned], axis=-1)
        )
        return self.layer_norm(compared)


def _mean_and_max(x: Any, mask: Any) -> Any:
    """(batch, length, width) and (batch, length) bool to (batch, 2 width); 0 where none is True."""
    keep = ops.cast(mask, "float32")[:, :, None]
    total = ops.sum(ops.cast(x, "float32") * keep, axis=1)
    mean = ops.cast(total / ops.maximum(ops.sum(keep, axis=1), 1.0), x.dtype)
    largest = ops.max(ops.where(mask[:, :, None], x, _MASKED), axis=1)
    largest = ops.where(ops.any(mask, axis=1)[:, None], largest, ops.zeros_like(largest))
    return ops.concatenate([mean, largest], axis=-1)
