"""The options of denoising; loads no Keras."""

from dataclasses import dataclass

from common.options import option
from models.objectives.token_prediction_options import TokenPredictionOptions

# Keys of `data_util.registry.NOISES`. All but the last two can be combined, in this order.
NOISES = ("permute", "delete", "infill", "mask", "rotate", "mass", "sentinels")
MAX_LAYERS = 200


@dataclass(frozen=True)
class DenoisingOptions(TokenPredictionOptions):
    """Encoder and decoder (--objectives=denoising)"""

    noise: list[str] = option(
        ["permute", "infill"],
        "what is done to the text that the encoder reads, comma-separated, always in this order: "
        "permute: its sentences are shuffled; delete: tokens are left out; infill: spans become "
        "one [MASK] each; mask: tokens become [MASK]; rotate: it begins with another token; the "
        "decoder writes the text (BART). Or alone, mass: half of it, in one piece, is masked, and "
        "the decoder writes this (MASS); sentinels: spans become one spare token each, and the "
        "decoder writes these and the spans (T5)",
        choices=NOISES,
    )
    decoder_layers: int = option(
        2,
        "layers of the decoder, a Transformer of the backbone's width; fine-tuning takes it over "
        "with the same number",
        minimum=1,
        maximum=MAX_LAYERS,
    )
