"""A backbone and its sizes in one file: each position sees the mean of its neighbours."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
from keras import ops

from models.backbones.base import Backbone
from models.config import BackboneConfig
from models.kernels.gather import gather_positions
from models.sizes import size


@dataclass(frozen=True, kw_only=True)
class ToyConfig(BackboneConfig):
    """The sizes of the toy.

    Attributes:
        reach: how many positions are seen to each side.
    """

    backbone: ClassVar[str] = "toy"

    pooling: str = "mean"  # instead of the default of all backbones
    reach: int = size(3, "positions seen to each side", minimum=1, maximum=100)

    def min_parameters(self) -> int:
        """Those that all backbones have, and one matrix."""
        return super().min_parameters() + self.d_model**2


@keras.saving.register_keras_serializable(package="toys")
class ToyBackbone(Backbone):
    """`x + tanh(W mean(x_(t - reach), ..., x_(t + reach)))`, the mean without padding."""

    config_class: ClassVar[type[BackboneConfig]] = ToyConfig
    visibilities: ClassVar[tuple[str, ...]] = ("both", "left")

    def __init__(self, config: ToyConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.dense = keras.layers.Dense(config.d_model, activation="tanh", name="dense")

    def build_encoder(self, shape: tuple) -> None:
        """Makes the matrix."""
        self.dense.build(shape)

    def encode(
        self,
        embedded: Any,
        padding_mask: Any,
        *,
        training: bool | None = None,
        visibility: str = "both",
        positions: Any = None,
        layers: bool = False,
    ) -> list[Any]:
        """See `Backbone.encode`."""
        places = ops.arange(ops.shape(padding_mask)[1])
        distance = places[:, None] - places[None, :]
        seen = ops.abs(distance) <= self.config.reach
        if visibility == "left":
            seen = seen & (distance >= 0)
        weights = ops.cast(seen[None] & padding_mask[:, None, :], embedded.dtype)
        total = ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1)
        mean = ops.matmul(weights, embedded) / total
        return [gather_positions(embedded + self.dense(mean), positions)]
