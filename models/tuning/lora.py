"""Low-rank updates of matrices of a frozen backbone."""

from typing import Any, ClassVar

import keras

from models.backbones.base import Backbone
from models.layers.low_rank import add_low_rank, merge_low_rank
from models.tuning.base import Tuning


class LoRA(Tuning):
    """Trains an update `(alpha / r) A B` for some matrices, A and B of rank r, and nothing else.

    Which matrices is the backbone's to say, see `Backbone.low_rank_layers`.

    Args:
        lora_rank: r.
        lora_alpha: alpha.

    References:
        Hu et al. 2021 (https://arxiv.org/abs/2106.09685).
    """

    name: ClassVar[str] = "lora"
    holds_part: ClassVar[bool] = True

    def __init__(self, lora_rank: int = 8, lora_alpha: float = 16.0) -> None:
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha

    def settings(self) -> dict[str, Any]:
        """See `Tuning.settings`."""
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}

    def extend_built(self, backbone: Backbone) -> None:
        """Adds A and B."""
        for layer in backbone.low_rank_layers():
            add_low_rank(layer, self.lora_rank, self.lora_alpha)

    def merge(self, backbone: Backbone) -> None:
        """Adds the updates to the matrices."""
        for layer in backbone.low_rank_layers():
            merge_low_rank(layer)

    def added(self, backbone: Backbone) -> list[keras.Variable]:
        """A and B of each matrix."""
        return [weight for weight in backbone.weights if weight.name.startswith("lora_")]

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """The same."""
        return self.added(backbone)
