"""All weights are trained."""

from typing import ClassVar

import keras

from models.backbones.base import Backbone
from models.tuning.base import Tuning


class Full(Tuning):
    """Trains the whole backbone from the first epoch on."""

    name: ClassVar[str] = "full"
    needs_checkpoint: ClassVar[bool] = False

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """All weights."""
        return list(backbone.weights)
