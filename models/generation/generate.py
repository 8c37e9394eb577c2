"""Generates sequences in the way that the settings name."""

from collections.abc import Sequence

import numpy as np

from models.generation.base import Generated, Step
from models.generation.beam_search import beam_search
from models.generation.one_by_one import one_by_one
from models.generation.settings import GenerationSettings


def generate(
    step: Step,
    prompts: np.ndarray,
    settings: GenerationSettings,
    generators: Sequence[np.random.Generator] = (),
) -> list[list[Generated]]:
    """Generates sequences for each prompt.

        >>> table = np.log([[0.1, 0.9], [0.6, 0.4]])  # of the token after 0, and after 1
        >>> settings = GenerationSettings(max_length=3)
        >>> step = lambda sequences, parents: table[sequences[:, -1]]
        >>> generate(step, np.array([[0]]), settings)[0][0].ids
        array([1, 0, 1], dtype=int32)

    Args:
        step: the model.
        prompts: (rows, tokens) int32, at least one token each; a decoder's are its start token.
        settings: how.
        generators: one for each prompt, if tokens are drawn.

    Returns:
        For each prompt its sequences by falling score: one, or up to `num_beams`.
    """
    if settings.num_beams > 1:
        return beam_search(step, prompts, settings)
    return [[each] for each in one_by_one(step, prompts, settings, generators)]
