"""The options of continuation."""

from dataclasses import dataclass

from common.options import option
from tasks.generation_options import GenerationOptions, SearchOptions

# What is used where none is given: nothing was chosen in pre-training.
DEFAULT_SEARCH = SearchOptions(num_beams=1, sampling=True, sampling_top_p=0.9)
DEFAULT_MAX_LENGTH = 50


@dataclass(frozen=True)
class ContinuationOptions(GenerationOptions):
    """Texts that are continued (a checkpoint that is only pre-trained)"""

    max_length: int | None = option(
        None, f"how many tokens to write; default {DEFAULT_MAX_LENGTH}", minimum=1
    )
