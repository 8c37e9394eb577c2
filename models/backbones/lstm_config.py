"""The sizes of the LSTM."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar

from common.errors import ConfigError
from models.config import BackboneConfig
from models.sizes import size


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(BackboneConfig):
    """What an LSTM is made of.

    Attributes:
        num_layers: number of layers of each direction.
        num_units: units of each layer of a direction; `d_model` by default.
        bidirectional: whether a second stack of layers reads from the right to the left.
    """

    backbone: ClassVar[str] = "lstm"
    learning_rates: ClassVar[Mapping[str, float]] = {"pretraining": 2e-3, "fine_tuning": 3e-3}

    position: str = "none"
    pooling: str = "max"
    num_layers: int = size(help="layers", flag="num_layer", minimum=1, maximum=200)
    num_units: int = size(help="units of each direction; default d_model", minimum=1, is_width=True)
    bidirectional: bool = size(True, "whether to read from right to left too")

    def check(self) -> None:
        """Checks that the pooled position sees the text, after what all backbones have."""
        super().check()
        if self.pooling == "cls" and not self.bidirectional:
            raise ConfigError(
                "pooling cls reads the first position, which sees nothing of the text in an lstm "
                "that reads from the left alone: use max, mean or attention."
            )

    def min_parameters(self) -> int:
        """Those that all backbones have, the layers' matrices and what combines the directions."""
        # A layer has four gates, each with a matrix for its input and one for its state.
        first = 4 * (self.d_model + self.num_units) * self.num_units
        others = (self.num_layers - 1) * 8 * self.num_units**2
        direction = first + others + self.num_units * self.d_model
        return super().min_parameters() + (2 if self.bidirectional else 1) * direction

    @classmethod
    def fill_in(cls, values: dict[str, Any], given: AbstractSet[str]) -> None:
        """`num_units` follows from `d_model`."""
        super().fill_in(values, given)
        values.setdefault("num_units", values["d_model"])
