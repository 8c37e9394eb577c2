"""A model that gives one vector per text: the mean of the backbone's outputs at its tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from models.backbones.base import Backbone


class TextVectorModel(keras.Model):
    """Averages the backbone's sequence output over the tokens of each text.

    [CLS] and [SEP] stand in every sequence and padding in none, so none of them counts.

        >>> model = TextVectorModel(backbone, excluded_ids=(2, 3))
        >>> model(inputs).shape
        TensorShape([2, 64])

    Args:
        backbone: a built backbone; it may be part of another model.
        excluded_ids: token ids whose positions are left out of the mean.

    References:
        Reimers and Gurevych 2019, section 3, "MEAN-strategy" (https://arxiv.org/abs/1908.10084).
    """

    def __init__(
        self,
        backbone: Backbone,
        excluded_ids: Sequence[int],
        name: str = "text_vector_model",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.backbone = backbone
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
        weights = ops.expand_dims(ops.cast(counted, "float32"), -1)
        total = ops.sum(ops.cast(sequence, "float32") * weights, axis=1)
        return total / ops.maximum(ops.sum(weights, axis=1), 1.0)
