"""Lets a text begin at another token; the whole text is written.

References:
    Lewis et al. 2020, section 2.2, "Document Rotation" (https://arxiv.org/abs/1910.13461).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import Corruption


class RotateNoise(Corruption):
    """Rotates the text so that it begins with a random token: `A B C D` to `C D A B`.

    `mask_probability` is not read. What is learned is to find the beginning of the text.
    """

    stream: ClassVar[str] = "rotations"

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        return np.roll(text, -int(generator.integers(0, max(1, len(text)))))
