"""Causal language modelling: predict each token from the tokens before it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.build import Array
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Term
from models.objectives.token_prediction import TokenPredictionHead


@keras.saving.register_keras_serializable(package="models")
class CausalLMHead(TokenPredictionHead):
    """Predicts at each position the token after it; each position sees only those up to itself.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = CausalLMHead(config, name="causal_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section
        3.1. The head is that of BERT's masked language model.
    """

    noise: ClassVar[tuple[str, ...]] = ("next_token",)
    arrays: ClassVar[Mapping[str, Array]] = {
        "next_ids": Array(("batch", "length"), "int32"),
        "next_weights": Array(("batch", "length"), "float32"),
    }
    visibility: ClassVar[str] = "left"

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term; reserved, unknown and padded next tokens have weight 0."""
        x = encode()["sequence_output"]
        return [self.term(x, batch["next_ids"], batch["next_weights"], token_embedding, training)]
