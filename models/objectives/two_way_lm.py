"""Two-way language modelling: predict each token from what precedes it, and from what follows."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.build import Array
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Term
from models.objectives.token_prediction import TokenPredictionHead

# What is predicted, and which positions the backbone sees to do so.
_DIRECTIONS = (("next", "left"), ("previous", "right"))


@keras.saving.register_keras_serializable(package="models")
class TwoWayLMHead(TokenPredictionHead):
    """Predicts at each position the next token from the left, and the previous one from the right.

    Two passes of the backbone, with the visibilities "left" and "right", share the token embedding
    and this head; each is a term of the loss. In an LSTM they are two stacks of layers that do not
    see each other: a bidirectional stack under one loss would see its targets through its other
    direction. The same objective so works for every backbone that can look to either side, and
    needs no second network: what fine-tuning takes over are both directions of the backbone, with
    the visibility "both". In a TextCNN or a Transformer, both passes have the same weights.

    Reserved and unknown tokens and the padding are not predicted: they have weight 0.

        >>> config = backbone_config("lstm", "tiny", vocab_size=100)
        >>> head = TwoWayLMHead(config, name="two_way_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Peters et al. 2018, section 3.1 (https://arxiv.org/abs/1802.05365). The head is that of
        BERT's masked language model.
    """

    noise: ClassVar[tuple[str, ...]] = ("neighbour_tokens",)
    predicts: ClassVar[str] = "next"
    target_ids: ClassVar[str] = "next_ids"
    target_weights: ClassVar[str] = "next_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        f"{name}_{part}": Array(("batch", "length"), dtype)
        for name, _ in _DIRECTIONS
        for part, dtype in (("ids", "int32"), ("weights", "float32"))
    }
    visibility: ClassVar[str] = "left"
    further_visibilities: ClassVar[tuple[str, ...]] = ("right",)

    @property
    def sampled_terms(self) -> tuple[str, ...]:
        """See `Objective.sampled_terms`: both."""
        terms = tuple(f"{self.name}_{name}" for name, _ in _DIRECTIONS)
        return terms if super().sampled_terms else ()

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns two terms, `<name>_next` and `<name>_previous`."""
        terms = []
        for name, side in _DIRECTIONS:
            targets = {
                self.target_ids: batch[f"{name}_ids"],
                self.target_weights: batch[f"{name}_weights"],
            }
            x = encode(visibility=side)["sequence_output"]
            term = self.prediction_term(
                f"{self.name}_{name}", x, targets, token_embedding, training
            )
            terms.append(term)
        return terms
