"""Deletes tokens; the whole text is written.

References:
    Lewis et al. 2020, section 2.2, "Token Deletion" (https://arxiv.org/abs/1910.13461).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import Corruption


class DeleteNoise(Corruption):
    """Leaves out `mask_probability` of the tokens, and does not say where: `A B C` to `A C`."""

    stream: ClassVar[str] = "deletions"

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        return np.delete(
            text, generator.permutation(len(text))[: self.number(len(text), generator)]
        )
