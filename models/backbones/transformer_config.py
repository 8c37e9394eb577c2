"""The sizes of the Transformer."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar

from common.errors import ConfigError
from models.config import NORMALIZATIONS, BackboneConfig
from models.sizes import size

# The sub-layers that are one and the same in all layers, by the values of `share_layers`.
SHARED_SUBLAYERS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "attention": ("attention",),
    "feed_forward": ("feed_forward",),
    "all": ("attention", "feed_forward"),
}


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(BackboneConfig):
    """What a Transformer is made of.

    Attributes:
        num_layers: number of layers.
        d_ff: inner width of the feed-forward networks; `4 d_model` by default.
        normalization: "pre" (before each sub-layer) or "post" (after its residual connection).
        attention_dropout: share of the attention weights that is dropped in training; 0 by
            default, because Keras' fused attention has none.
        share_layers: what all layers have in common, as in ALBERT: "none", "attention",
            "feed_forward" or "all". Fewer parameters, the same computation.
        attention_window: the number of positions that a position sees to both sides together, as
            in Longformer, beside the first position (see
            `models.layers.windowed_attention.WindowedAttention`); 0: all of them.
    """

    backbone: ClassVar[str] = "transformer"
    has_attention: ClassVar[bool] = True
    learning_rates: ClassVar[Mapping[str, float]] = {"pretraining": 1e-3, "fine_tuning": 1.5e-3}

    position: str = "rotary"
    pooling: str = "cls"
    num_layers: int = size(help="layers", flag="num_layer", minimum=1, maximum=200)
    d_ff: int = size(
        help="inner size of the feed-forward networks; default 4 times d_model",
        minimum=1,
        is_width=True,
    )
    normalization: str = size(
        "pre", "layer normalization before or after a sub-layer", choices=NORMALIZATIONS
    )
    attention_dropout: float = size(
        0.0, "share of the attention weights dropped in training", flag="", minimum=0, below=1
    )
    share_layers: str = size(
        "none",
        "weights that all layers have in common, as in ALBERT",
        choices=tuple(SHARED_SUBLAYERS),
    )
    attention_window: int = size(
        0,
        "positions that a position attends to, half of them on each side, beside the first "
        "position, which sees all; for long texts; 0: all",
        minimum=0,
    )

    def check(self) -> None:
        """Checks that rotary positions have pairs to turn, and windows two equal sides."""
        super().check()
        if self.position == "rotary" and self.d_k % 2:
            raise ConfigError(
                f"position rotary needs an even d_k, not {self.d_k}; the others take any."
            )
        if self.attention_window % 2:
            raise ConfigError(
                f"attention_window must be even, not {self.attention_window}: one half is before "
                "a position, the other after it."
            )

    @property
    def shared_sublayers(self) -> tuple[str, ...]:
        """The sub-layers that all layers share: "attention", "feed_forward", both or none."""
        return SHARED_SUBLAYERS[self.share_layers]

    def min_parameters(self) -> int:
        """Those that all backbones have, and the layers' matrices, shared ones once."""
        attention = 2 * self.d_model * self.num_heads * (self.d_k + self.d_v)
        if self.attention_window:  # The first position has projections of its own.
            attention += self.d_model * self.num_heads * (2 * self.d_k + self.d_v)
        sizes = {
            "attention": attention,
            "feed_forward": 2 * self.d_model * self.d_ff,
        }
        layers = sum(
            parameters * (1 if name in self.shared_sublayers else self.num_layers)
            for name, parameters in sizes.items()
        )
        return super().min_parameters() + layers

    @classmethod
    def fill_in(cls, values: dict[str, Any], given: AbstractSet[str]) -> None:
        """`d_ff` follows from `d_model`."""
        super().fill_in(values, given)
        values.setdefault("d_ff", 4 * values["d_model"])
