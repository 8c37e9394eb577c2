"""Only the head is trained."""

from typing import ClassVar

import keras

from models.backbones.base import Backbone
from models.tuning.base import Tuning


class Frozen(Tuning):
    """Trains nothing of the backbone.

    What the head reads of it is the same in every epoch and can be computed once.

    References:
        "feature-based": Devlin et al. 2019, section 5.3 (https://arxiv.org/abs/1810.04805).
    """

    name: ClassVar[str] = "frozen"
    is_static: ClassVar[bool] = True

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """None."""
        return []
