"""Replaces tokens by [MASK]; the whole text is written.

References:
    Lewis et al. 2020, section 2.2, "Token Masking" (https://arxiv.org/abs/1910.13461).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import Corruption


class MaskNoise(Corruption):
    """Puts [MASK] in the place of `mask_probability` of the tokens: `A B C` to `A [MASK] C`."""

    stream: ClassVar[str] = "masked tokens"

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        masked = text.copy()
        chosen = generator.permutation(len(text))[: self.number(len(text), generator)]
        masked[chosen] = self.vocabulary.mask_id
        return masked
