"""Word order: put the tokens of shuffled trigrams back in their places."""

from collections.abc import Mapping
from typing import ClassVar

import keras

from models.build import Array
from models.objectives.token_prediction import TokenPredictionHead


@keras.saving.register_keras_serializable(package="models")
class WordOrderHead(TokenPredictionHead):
    """Predicts at each place of a shuffled trigram the token that belongs there.

    It stands beside the masked language model, whose softmax StructBERT shares; here it has its
    own transform and bias.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = WordOrderHead(config, name="word_order")

    Args:
        As for `TokenPredictionHead`.

    References:
        Wang et al. 2020, "StructBERT: Incorporating Language Structures into Pre-training for Deep
        Language Understanding", section 2.2 (https://arxiv.org/abs/1908.04577).
    """

    noise: ClassVar[tuple[str, ...]] = ("word_order",)
    target_ids: ClassVar[str] = "shuffled_ids"
    target_weights: ClassVar[str] = "shuffled_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "shuffled_positions": Array(("batch", "shuffled_slots"), "int32"),
        "shuffled_ids": Array(("batch", "shuffled_slots"), "int32"),
        "shuffled_weights": Array(("batch", "shuffled_slots"), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ("shuffled_positions",)
