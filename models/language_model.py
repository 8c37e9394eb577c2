"""What a pre-trained model predicts at some positions of a text: the tokens, or their losses."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from models.kernels.losses import cross_entropy
from models.pretraining_model import PretrainingModel


class PositionStates(keras.Model):
    """What the backbone gives at some positions, as the head of an objective reads it.

    Args:
        model: a built model; its layers are shared.
        predicts: "next" or "masked", see `TokenPredictionHead.predicts`.

    Raises:
        ValueError: the model was not pre-trained with an objective that predicts this.
    """

    def __init__(self, model: PretrainingModel, predicts: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        heads = [head for head in model.heads if getattr(head, "predicts", "") == predicts]
        if not heads:
            raise ValueError(f"no objective of this model predicts {predicts!r}")
        self.backbone, self.head = model.backbone, heads[0]
        self.built = True

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes the sequence output.

        Args:
            inputs: the backbone's, and "positions" (batch, count) int32.
            training: has no effect.

        Returns:
            (batch, count, d_model).
        """
        outputs = self.backbone(
            inputs,
            training=False,
            visibility=self.head.visibility,
            positions=inputs["positions"],
        )
        return outputs["sequence_output"]


class StateScores(PositionStates):
    """Scores all tokens, given what `PositionStates` gives."""

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes logits.

        Args:
            inputs: "states" (batch, count, d_model).
            training: has no effect.

        Returns:
            (batch, count, vocab_size) float32.
        """
        return self.head(inputs["states"], token_embedding=self.backbone.token_embedding)


class LanguageModel(PositionStates):
    """Scores all tokens at some positions, with the head of an objective."""

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes logits.

        Args:
            inputs: the backbone's, and "positions" (batch, count) int32.
            training: has no effect.

        Returns:
            (batch, count, vocab_size) float32.
        """
        return self.head(super().call(inputs), token_embedding=self.backbone.token_embedding)


class TokenLosses(LanguageModel):
    """The loss of given tokens at some positions."""

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes `-log p(token)`.

        Args:
            inputs: those of `LanguageModel`, and "ids" (batch, count) int32, the tokens.
            training: has no effect.

        Returns:
            (batch, count) float32.
        """
        losses, _ = cross_entropy(inputs["ids"], super().call(inputs))
        return losses


def prefix_segments(
    model: PretrainingModel, padding_mask: np.ndarray, prefix: int | np.ndarray
) -> np.ndarray:
    """The segments of texts whose first tokens are seen both ways, if the model can do so.

    Args:
        model: of any objectives.
        padding_mask: (rows, length) bool, True at tokens.
        prefix: how many tokens are seen both ways, in all rows or (rows, 1) in each.

    Returns:
        (rows, length) int32: 1 after the prefix; all 0 if no objective predicts the next token so.
    """
    can = any(
        getattr(head, "predicts", "") == "next" and head.visibility == "prefix"
        for head in model.heads
    )
    after = np.arange(padding_mask.shape[1]) >= prefix
    return (can & after & padding_mask).astype(np.int32)


def predicted_by(model: PretrainingModel) -> set[str]:
    """What the objectives of a model predict: "next", "masked", both or neither."""
    return {getattr(head, "predicts", "") for head in model.heads} - {""}
