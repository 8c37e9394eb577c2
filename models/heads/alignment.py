"""A head for pairs of texts that attends from each text to the other."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.heads.base import ClassificationHead
from models.kernels.layer_norm import LayerNormalization

# Finite even in half precision, and below every real value.
_MASKED = -3e4


@keras.saving.register_keras_serializable(package="models")
class AlignmentHead(ClassificationHead):
    """Aligns each token with the other text, compares the two, and pools each text separately.

    A token x of one text attends to the tokens y of the other: z is the mean of all y, weighted by
    the softmax of `x . y / sqrt(d_model)`. A dense layer and layer normalization turn
    `[x, z, x - z, x * z]` into one comparison vector per token. With u and v, the mean and the
    maximum of these vectors over the first and the second text, the pair is represented by
    `[u, v, |u - v|, u * v]`. Thus the texts are compared even if the backbone, like a TextCNN,
    has a receptive field of a few tokens.

    The texts A and B are those of `[CLS] A [SEP] B [SEP]`, with segment ids 0 and 1.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = AlignmentHead(config, num_labels=2, dropout=0.1)

    Args:
        As for `ClassificationHead`.

    References:
        Chen et al. 2017, "Enhanced LSTM for natural language inference", sections 3.2 and 3.3
        (https://arxiv.org/abs/1609.06038), without its LSTMs and with layer normalization; the
        last vector is that of Conneau et al. 2017, "InferSent", section 3.1
        (https://arxiv.org/abs/1705.02364).
    """

    for_pairs: ClassVar[bool] = True

    def build_document(self) -> int:
        """Creates the comparison layer, `4 d_model` to `d_model`, and its normalization."""
        width = self.config.d_model
        self.comparison = keras.layers.Dense(
            width, activation="gelu", dtype=self.dtype_policy, name="comparison"
        )
        self.comparison.build((None, None, 4 * width))
        # Without it, the products in the pair vector grow and training fails at the usual rates.
        self.layer_norm = LayerNormalization(
            epsilon=self.config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.layer_norm.build((None, None, width))
        return 8 * width

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Computes the vectors of the pairs, (batch, 8 d_model)."""
        tokens = self.dropout(outputs["sequence_output"], training=training)
        second = ops.cast(outputs["segment_ids"], "bool") & padding_mask
        first = padding_mask & ~second
        compared = self._compare(tokens, first, second)
        u, v = _mean_and_max(compared, first), _mean_and_max(compared, second)
        return ops.concatenate([u, v, ops.abs(u - v), u * v], axis=-1)

    def _compare(self, tokens: Any, first: Any, second: Any) -> Any:
        """Compares each token with the tokens it is aligned with, (batch, length, d_model)."""
        scores = ops.matmul(tokens, ops.swapaxes(tokens, 1, 2))
        scores = ops.cast(scores, "float32") * self.config.d_model**-0.5
        # (batch, from, to): True between tokens of different texts.
        # LiteRT has no slices with a new axis, such as `first[:, None]`.
        other = (ops.expand_dims(first, 2) & ops.expand_dims(second, 1)) | (
            ops.expand_dims(second, 2) & ops.expand_dims(first, 1)
        )
        weights = ops.softmax(ops.where(other, scores, _MASKED), axis=-1)
        weights = ops.cast(weights * ops.cast(other, "float32"), tokens.dtype)
        aligned = ops.matmul(weights, tokens)
        compared = self.comparison(
            ops.concatenate([tokens, aligned, tokens - aligned, tokens * aligned], axis=-1)
        )
        return self.layer_norm(compared)


def _mean_and_max(x: Any, mask: Any) -> Any:
    """Pools the positions where the mask is True; a row without any gives 0.

    Args:
        x: (batch, length, width).
        mask: (batch, length) bool.

    Returns:
        (batch, 2 width).
    """
    keep = ops.expand_dims(ops.cast(mask, "float32"), 2)
    total = ops.sum(ops.cast(x, "float32") * keep, axis=1)
    mean = ops.cast(total / ops.maximum(ops.sum(keep, axis=1), 1.0), x.dtype)
    largest = ops.max(ops.where(ops.expand_dims(mask, 2), x, _MASKED), axis=1)
    largest = ops.where(ops.any(mask, axis=1, keepdims=True), largest, ops.zeros_like(largest))
    return ops.concatenate([mean, largest], axis=-1)
