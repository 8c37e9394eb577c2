"""The options that say how much of the backbone is trained, and at which rates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.options import Options, option
from models.registry import TUNING_OPTIONS, TUNINGS

SCHEDULES = ("linear", "slanted_triangular")


@dataclass(frozen=True)
class TuningOptions(Options):
    """How much of the backbone is trained"""

    tuning: str = option(
        "full",
        "full: all of it; frozen: nothing, only the head; gradual: one more layer per epoch, from "
        "the top; adapter: small networks between its layers; lora: low-rank updates of its "
        "matrices; it may bring options of its own, which --help lists with --tuning=NAME",
        choices=TUNINGS,
    )
    layer_decay: float = option(
        1.0,
        "what the learning rate is multiplied by from each layer of the backbone to the one below; "
        "1: the same for all",
        minimum=0.001,
        maximum=1,
    )
    weighted_layers: bool = option(
        False,
        "the head reads a weighted mean of the outputs of all layers, embeddings included, whose "
        "weights are learned, in place of the last layer's output",
    )
    schedule: str = option(
        "linear",
        "how the learning rate changes: linear: it rises from 0 and falls to 0; "
        "slanted_triangular: it rises from a 32nd of the peak and falls back to it",
        choices=SCHEDULES,
    )

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type[Options], ...]:
        """The options of the tuning."""
        chosen = [TUNING_OPTIONS[name] for name in TUNING_OPTIONS if name == values["tuning"]]
        return (*super().further_groups(values), *chosen)
