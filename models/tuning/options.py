"""The options of the tunings that have any; loads no Keras."""

from dataclasses import dataclass

from common.options import Options, option

ADAPTER_PLACES = ("houlsby", "pfeiffer")


@dataclass(frozen=True)
class GradualOptions(Options):
    """Gradual unfreezing (--tuning=gradual)"""

    unfreeze_every: int = option(
        1, "number of epochs after which one more layer is trained, from the top", minimum=1
    )


@dataclass(frozen=True)
class AdapterOptions(Options):
    """Adapters (--tuning=adapter)"""

    adapter_size: int = option(16, "width of an adapter's bottleneck", minimum=1, maximum=65_536)
    adapter_place: str = option(
        "houlsby",
        "houlsby: after each part of a layer (attention, feed-forward network, convolution, LSTM); "
        "pfeiffer: only after the last one",
        choices=ADAPTER_PLACES,
    )


@dataclass(frozen=True)
class LoRAOptions(Options):
    """Low-rank updates (--tuning=lora)"""

    lora_rank: int = option(8, "rank of the updates, r", minimum=1, maximum=65_536)
    lora_alpha: float = option(
        16.0, "scale of the updates, which are multiplied by alpha / r", minimum=0
    )
