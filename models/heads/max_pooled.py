"""A head of new units over the tokens, each max-pooled over the document."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.config import BackboneConfig
from models.heads.base import ClassificationHead
from models.kernels.dense_max_pool import dense_max_pool

UNITS_PER_DIM = 4


@keras.saving.register_keras_serializable(package="models")
class MaxPooledHead(ClassificationHead):
    """Applies a new dense layer at each position and max-pools it over the document.

    The pre-trained pooling was trained for other objectives. This layer adds `4 d_model` new units
    with GELU; the maximum of a unit over the document indicates whether the feature that it detects
    occurs (Kim 2014, "max-over-time pooling", https://arxiv.org/abs/1408.5882).

    A unit reads both the embedding of a token and the encoder's output at its position. The last
    layer of a language model mostly represents the token's context, from which it was trained to
    predict the token, whereas a label often depends on the word itself (Peters et al. 2018,
    section 5.1: all layers together are better than the last one,
    https://arxiv.org/abs/1802.05365).

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = MaxPooledHead(config, num_labels=3, dropout=0.1)

    Args:
        As for `ClassificationHead`.
    """

    takes_over: ClassVar[str | None] = "label_mention"

    @classmethod
    def min_parameters(cls, config: BackboneConfig, num_labels: int) -> int:
        """The kernels of both dense layers."""
        return UNITS_PER_DIM * config.d_model * (config.d_model + num_labels)

    def build_document(self) -> int:
        """Creates the dense layer; it keeps the name it has in earlier checkpoints."""
        width = UNITS_PER_DIM * self.config.d_model
        self.detectors = keras.layers.Dense(width, dtype=self.dtype_policy, name="detectors")
        self.detectors.build((None, None, 2 * self.config.d_model))
        return width

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Computes the vectors of the documents, (batch, 4 d_model)."""
        tokens = ops.concatenate([outputs["embedding_output"], outputs["sequence_output"]], axis=-1)
        tokens = self.dropout(tokens, training=training)
        # Padding is replaced by copies of [CLS], which change neither the maximum nor the minimum.
        tokens = ops.where(ops.expand_dims(padding_mask, -1), tokens, tokens[:, :1])
        return dense_max_pool(tokens, self.detectors, training)
