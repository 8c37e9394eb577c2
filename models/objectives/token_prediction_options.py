"""The options of the objectives that predict tokens; loads no Keras."""

from dataclasses import dataclass

from common.options import Options, option


@dataclass(frozen=True)
class TokenPredictionOptions(Options):
    """The objectives that predict tokens, such as masked_lm"""

    num_sampled: int = option(
        4096,
        "each training step scores a token against this many candidates (sampled softmax), half "
        "of them the most frequent tokens; validation uses the full vocabulary. 0: the full "
        "vocabulary in training too, as always with word pieces, whose ids are not sorted by "
        "frequency",
        minimum=0,
    )
