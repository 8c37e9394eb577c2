"""The sizes of the TextCNN."""

import reprlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar

from common.errors import ConfigError
from models.config import BackboneConfig
from models.sizes import MAX_PARAMETERS, size

MAX_FILTER_SIZES = 64


@dataclass(frozen=True, kw_only=True)
class TextCNNConfig(BackboneConfig):
    """What a TextCNN is made of.

    Attributes:
        num_filters: filters of each size in each convolution; `d_model // 2` by default.
        filter_sizes: widths of the filters, in tokens.
    """

    backbone: ClassVar[str] = "text_cnn"
    learning_rates: ClassVar[Mapping[str, float]] = {"pretraining": 2e-3, "fine_tuning": 3e-3}

    position: str = "none"
    pooling: str = "max"
    num_filters: int = size(
        help="filters of each size; default half of d_model", minimum=1, is_width=True
    )
    filter_sizes: tuple[int, ...] = size((2, 3, 4, 5), "widths of the filters, in tokens", flag="")

    def check(self) -> None:
        """Checks the filter sizes, after what all backbones have."""
        super().check()
        sizes = self.filter_sizes
        if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
            raise ConfigError(
                "filter_sizes must be different numbers of at least 1, not "
                f"{reprlib.repr(list(sizes))}."
            )
        if len(sizes) > MAX_FILTER_SIZES or max(sizes) > MAX_PARAMETERS:
            raise ConfigError(
                f"filter_sizes must be at most {MAX_FILTER_SIZES} numbers, none of them enormous."
            )

    def min_parameters(self) -> int:
        """Those that all backbones have, the filters and what combines them."""
        filters = sum(self.filter_sizes) * self.num_filters * (self.d_model + self.num_filters)
        combination = len(self.filter_sizes) * self.num_filters * self.d_model
        return super().min_parameters() + filters + combination

    @classmethod
    def fill_in(cls, values: dict[str, Any], given: AbstractSet[str]) -> None:
        """`num_filters` follows from `d_model`."""
        super().fill_in(values, given)
        values.setdefault("num_filters", max(1, values["d_model"] // 2))
