"""The options of replaced token detection; loads no Keras."""

from dataclasses import dataclass

from common.options import option
from models.objectives.token_prediction_options import TokenPredictionOptions


@dataclass(frozen=True)
class ReplacedTokenOptions(TokenPredictionOptions):
    """Replaced tokens (--objectives=replaced_token)"""

    generator_size: float = option(
        0.25,
        "width of the generator's layers, as a fraction of the backbone's",
        minimum=0.01,
        maximum=1,
    )
    discriminator_factor: float = option(
        50.0, "what the discriminator's loss counts for beside the generator's", minimum=0
    )
