"""One more level of the backbone is trained after each epoch."""

from typing import ClassVar

import keras

from models.backbones.base import Backbone
from models.tuning.base import Tuning, level_weights


class Gradual(Tuning):
    """Trains the head alone at first, then one more level of the backbone at a time, from the top.

        >>> [Gradual().first_epoch(level, levels=3) for level in range(3)]
        [3, 2, 1]

    Args:
        unfreeze_every: the number of epochs after which one more level is trained.

    References:
        Howard & Ruder 2018, section 3.3, "gradual unfreezing" (https://arxiv.org/abs/1801.06146).
    """

    name: ClassVar[str] = "gradual"

    def __init__(self, unfreeze_every: int = 1) -> None:
        self.unfreeze_every = unfreeze_every

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """Those of as many of the highest levels as there have been such periods."""
        levels = level_weights(backbone)
        return [
            weight
            for level, weights in enumerate(levels)
            if self.first_epoch(level, len(levels)) <= epoch
            for weight in weights
        ]

    def first_epoch(self, level: int, levels: int) -> int:
        """See `Tuning.first_epoch`."""
        return self.unfreeze_every * (levels - level)
