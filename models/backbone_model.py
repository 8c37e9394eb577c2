"""A backbone as a model of its own, for the part of a weights file that is the backbone's."""

from collections.abc import Mapping
from typing import Any

import keras

from models.backbones.base import Backbone


class BackboneModel(keras.Model):
    """Gives what its backbone gives.

    Keras finds the backbone's weights by the name of the attribute, and leaves alone what else a
    checkpoint's file holds: so the backbone of any checkpoint can be loaded, whatever stands on it.

    Args:
        backbone: the backbone.
    """

    def __init__(self, backbone: Backbone, name: str = "backbone_model", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.backbone = backbone

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight."""
        if not self.backbone.built:
            self.backbone.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """See `Backbone.call`."""
        return self.backbone(inputs, training=training)
