"""The backbone's pooled output as the head of a task."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.heads.base import ClassificationHead


@keras.saving.register_keras_serializable(package="models")
class PooledHead(ClassificationHead):
    """The backbone's pooled output, as BERT has it (Devlin et al. 2019, section 4.1)."""

    reads_pooled_output: ClassVar[bool] = True
    reads_sequence_output: ClassVar[bool] = False

    def build_document(self) -> int:
        """There is nothing to make."""
        return self.config.d_model

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, d_model)."""
        return self.dropout(outputs["pooled_output"], training=training)
