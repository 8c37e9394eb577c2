"""A head that reads the backbone's pooled output."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.heads.base import ClassificationHead


@keras.saving.register_keras_serializable(package="models")
class PooledHead(ClassificationHead):
    """Scores the labels from the backbone's pooled output, like BERT.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = PooledHead(config, num_labels=3, dropout=0.1)

    Args:
        As for `ClassificationHead`.

    References:
        Devlin et al. 2019, section 4.1 (https://arxiv.org/abs/1810.04805).
    """

    reads_pooled_output: ClassVar[bool] = True
    reads_sequence_output: ClassVar[bool] = False

    def build_document(self) -> int:
        """Creates no weights; returns the width of the pooled output."""
        return self.config.d_model

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Returns the pooled output, (batch, d_model), with dropout."""
        return self.dropout(outputs["pooled_output"], training=training)
