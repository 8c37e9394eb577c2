"""A model that gives one vector per text, pooled from the backbone's outputs at its tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from models.backbones.base import Backbone

POOLINGS = ("mean", "max")
_MASKED = -3e4


class TextVectorModel(keras.Model):
    """Pools the backbone's sequence output over the tokens of each text.

    Unlike the backbone's own poolings it has no weights, and leaves out [CLS] and [SEP], which are
    in every sequence.

        >>> model = TextVectorModel(backbone, "mean", excluded_ids=(2, 3))
        >>> model(inputs).shape
        TensorShape([2, 64])

    Args:
        backbone: a built backbone; it may be part of another model.
        pooling: one of `POOLINGS`: the mean of each unit over the tokens, or its largest value.
        excluded_ids: token ids whose positions are left out.

    References:
        the strategies MEAN and MAX of Reimers and Gurevych 2019, section 3
        (https://arxiv.org/abs/1908.10084).
    """

    def __init__(
        self,
        backbone: Backbone,
        pooling: str,
        excluded_ids: Sequence[int],
        name: str = "text_vector_model",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")
        self.backbone, self.pooling = backbone, pooling
        self.excluded_ids = tuple(excluded_ids)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes one vector per row.

        Args:
            inputs: the backbone's inputs, see `Backbone.call`, of shape (rows, length).
            training: whether dropout is active.

        Returns:
            (rows, d_model) float32; 0 where a row has no tokens but the excluded ones.
        """
        token_ids = inputs["token_ids"]
        counted = ops.cast(inputs["padding_mask"], "bool")
        for excluded in self.excluded_ids:
            counted = ops.logical_and(counted, ops.not_equal(token_ids, excluded))
        sequence = self.backbone(inputs, training=training)["sequence_output"]
        # Half precision cannot add up hundreds of positions.
        sequence = ops.cast(sequence, "float32")
        counted = ops.expand_dims(counted, -1)
        if self.pooling == "max":
            largest = ops.max(ops.where(counted, sequence, _MASKED), axis=1)
            return ops.where(ops.any(counted, axis=1), largest, 0.0)
        weights = ops.cast(counted, "float32")
        return ops.sum(sequence * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)
