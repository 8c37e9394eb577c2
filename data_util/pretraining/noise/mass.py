"""Masks one half of a text, in one piece; the decoder writes it.

References:
    Song et al. 2019, "MASS: Masked Sequence to Sequence Pre-training for Language Generation",
    section 3.2: the length of the piece; section 4.1: 80 % [MASK], 10 % random, 10 % unchanged
    (https://arxiv.org/abs/1905.02450).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import DenoisingNoise
from data_util.pretraining.noise.masking import SHARE_MASKED, SHARE_RANDOM


class MassNoise(DenoisingNoise):
    """Masks a piece of `mask_probability` of the tokens: of `A B C D`, `A [MASK] [MASK] D`.

    Each of its tokens becomes [MASK] with a probability of 80 %, a random ordinary token of 10 %,
    and stays otherwise. The decoder writes this piece, `B C`, and no [SEP] after it: what is
    masked says how long it is. Every place of the piece is equally probable. It has at least one
    token.
    """

    stream: ClassVar[str] = "masked halves"
    default_probability: ClassVar[float] = 0.5

    def source_and_target(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `DenoisingNoise.source_and_target`."""
        length = min(len(text), max(1, self.number(len(text), generator)))
        start = int(generator.integers(0, len(text) - length + 1))
        piece = slice(start, start + length)
        ordinary = self.vocabulary.ordinary_ids
        source, draw = text.copy(), generator.random(length)
        if len(ordinary):
            is_random = draw < SHARE_MASKED + SHARE_RANDOM
            source[piece][is_random] = generator.choice(ordinary, length)[is_random]
        source[piece][draw < SHARE_MASKED] = self.vocabulary.mask_id
        return source, text[piece]
