"""A model that consists of a backbone alone, to load the backbone's part of a weights file."""

from collections.abc import Mapping
from typing import Any

import keras

from models.backbones.base import Backbone


class BackboneModel(keras.Model):
    """Returns the outputs of its backbone unchanged.

    Keras finds the backbone's weights by the name of the attribute and ignores everything else in
    the weights file. So the backbone of any checkpoint can be loaded, whichever heads it has.

        >>> model = build(BackboneModel(make_backbone(config)))
        >>> sorted(model.predict_on_batch(inputs))
        ['embedding_output', 'pooled_output', 'sequence_output']

    Args:
        backbone: the backbone.
    """

    def __init__(self, backbone: Backbone, name: str = "backbone_model", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.backbone = backbone

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        if not self.backbone.built:
            self.backbone.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Encodes a batch; see `Backbone.call`."""
        return self.backbone(inputs, training=training)
