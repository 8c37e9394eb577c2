"""A head that reads the last position, the maximum and the mean of all positions."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.heads.base import ClassificationHead
from models.kernels.gather import gather_positions
from models.layers.pooling import MaxPooling, MeanPooling


@keras.saving.register_keras_serializable(package="models")
class ConcatPooledHead(ClassificationHead):
    """Scores the labels from `[h_T, max(h), mean(h)]` of the encoder's output h at T tokens.

    It has no layer of its own before the scores, where Howard and Ruder have one of 50 units with
    batch normalization.

        >>> config = backbone_config("lstm", "tiny", vocab_size=100)
        >>> head = ConcatPooledHead(config, num_labels=3, dropout=0.1)

    Args:
        As for `ClassificationHead`.

    References:
        Howard & Ruder 2018, section 3.3, "concat pooling" (https://arxiv.org/abs/1801.06146).
    """

    reads_sequence_output: ClassVar[bool] = True

    @classmethod
    def min_parameters(cls, config: Any, num_labels: int) -> int:
        """The kernel of the scores."""
        return 3 * config.d_model * num_labels

    def build_document(self) -> int:
        """Creates no weights; returns the width of the three together."""
        self.poolings = [MaxPooling(name="max_pooling"), MeanPooling(name="mean_pooling")]
        return 3 * self.config.d_model

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Computes the vectors of the documents, (batch, 3 d_model)."""
        sequence = outputs["sequence_output"]
        lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
        last = gather_positions(sequence, ops.maximum(lengths - 1, 0))[:, 0]
        pooled = [pooling(sequence, padding_mask) for pooling in self.poolings]
        return self.dropout(ops.concatenate([last, *pooled], axis=-1), training=training)
