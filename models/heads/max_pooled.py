"""New units at every token, each pooled by its maximum."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.config import BackboneConfig
from models.heads.base import ClassificationHead
from models.kernels.dense_max_pool import dense_max_pool

UNITS_PER_DIM = 4


@keras.saving.register_keras_serializable(package="models")
class MaxPooledHead(ClassificationHead):
    """A new dense layer over the vector at each position, max-pooled over the document.

    The pooling of pre-training serves its objectives. The `4 d_model` units of this layer are new,
    and the maximum of each over the document tells whether what it looks for is there (Kim 2014,
    "max-over-time", over pre-trained vectors).

    A unit reads both the embedding of a token and the encoder's output at its position. The last
    layer of a language model mostly describes the context of the token, which it was trained to
    predict, while a label often depends on the word itself (Peters et al. 2018, section 5.1: all
    layers together do better than the last one, https://arxiv.org/abs/1802.05365).
    """

    @classmethod
    def min_parameters(cls, config: BackboneConfig, num_labels: int) -> int:
        """The kernels of both dense layers."""
        return UNITS_PER_DIM * config.d_model * (config.d_model + num_labels)

    def build_document(self) -> int:
        """Makes the dense layer, which keeps the name that it has in earlier checkpoints."""
        width = UNITS_PER_DIM * self.config.d_model
        self.detectors = keras.layers.Dense(width, dtype=self.dtype_policy, name="detectors")
        self.detectors.build((None, None, 2 * self.config.d_model))
        return width

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, 4 d_model)."""
        tokens = ops.concatenate([outputs["embedding_output"], outputs["sequence_output"]], axis=-1)
        tokens = self.dropout(tokens, training=training)
        # Padding is a second [CLS], which can change neither the highest nor the lowest.
        tokens = ops.where(ops.expand_dims(padding_mask, -1), tokens, tokens[:, :1])
        return dense_max_pool(tokens, self.detectors, training)
