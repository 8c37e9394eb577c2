"""A head for pairs of texts that is initialized from the pre-trained next-sentence head."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.heads.base import ClassificationHead


@keras.saving.register_keras_serializable(package="models")
class PretrainedPairHead(ClassificationHead):
    """Reads the pooled output and two logits of a layer that starts as the next-sentence head.

    The layer that predicted in pre-training whether B follows A continues to learn whether A and B
    belong together; the dense layer after it maps this to the labels.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = PretrainedPairHead(config, num_labels=2, dropout=0.1)

    Args:
        As for `ClassificationHead`.

    References:
        Devlin et al. 2019, section 3.1 (https://arxiv.org/abs/1810.04805).
    """

    starts_from: ClassVar[str | None] = "next_sentence"
    for_pairs: ClassVar[bool] = True
    reads_pooled_output: ClassVar[bool] = True
    reads_sequence_output: ClassVar[bool] = False

    def start_from(self, objective: keras.layers.Layer) -> None:
        """Copies the weights of the pre-trained next-sentence layer."""
        self.next_sentence.set_weights(objective.dense.get_weights())

    def build_document(self) -> int:
        """Creates the next-sentence layer."""
        self.next_sentence = keras.layers.Dense(2, dtype="float32", name="next_sentence")
        self.next_sentence.build((None, self.config.d_model))
        return self.config.d_model + 2

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Computes the vectors of the pairs, (batch, d_model + 2)."""
        pooled = self.dropout(outputs["pooled_output"], training=training)
        pooled = ops.cast(pooled, "float32")
        return ops.concatenate([pooled, self.next_sentence(pooled)], axis=-1)
