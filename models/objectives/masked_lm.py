"""Masked language modelling: predict the tokens that were masked."""

from collections.abc import Mapping
from typing import ClassVar

import keras

from models.build import Array
from models.objectives.token_prediction import TokenPredictionHead


@keras.saving.register_keras_serializable(package="models")
class MaskedLMHead(TokenPredictionHead):
    """Predicts the masked tokens from the sequence output at their positions.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = MaskedLMHead(config, num_sampled=20, name="masked_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Devlin et al. 2019, section 3.1 and `get_masked_lm_output` of
        https://github.com/google-research/bert.
    """

    noise: ClassVar[tuple[str, ...]] = (
        "token",
        "whole_word",
        "ngram",
        "span",
        "phrase",
        "word_order",
    )
    predicts: ClassVar[str] = "masked"
    target_ids: ClassVar[str] = "masked_ids"
    target_weights: ClassVar[str] = "masked_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "masked_positions": Array(("batch", "slots"), "int32"),
        "masked_ids": Array(("batch", "slots"), "int32"),
        "masked_weights": Array(("batch", "slots"), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ("masked_positions",)
