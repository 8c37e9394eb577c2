"""Causal language modelling: predict each token from the tokens before it."""

from collections.abc import Mapping
from typing import ClassVar

import keras

from models.build import Array
from models.objectives.token_prediction import TokenPredictionHead


@keras.saving.register_keras_serializable(package="models")
class CausalLMHead(TokenPredictionHead):
    """Predicts at each position the token after it; each position sees only those up to itself.

    Reserved and unknown tokens and the padding are not predicted: they have weight 0.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = CausalLMHead(config, name="causal_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section
        3.1. The head is that of BERT's masked language model.
    """

    noise: ClassVar[tuple[str, ...]] = ("next_token", "neighbour_tokens")
    predicts: ClassVar[str] = "next"
    target_ids: ClassVar[str] = "next_ids"
    target_weights: ClassVar[str] = "next_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "next_ids": Array(("batch", "length"), "int32"),
        "next_weights": Array(("batch", "length"), "float32"),
    }
    visibility: ClassVar[str] = "left"
