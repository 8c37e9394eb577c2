"""Masks whole words: all pieces of a word, or none.

References:
    "Whole word masking" of https://github.com/google-research/bert (May 2019).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.units import UnitNoise


class WholeWordNoise(UnitNoise):
    """Hides single words. Where each token is a word, it hides tokens as `TokenNoise` does."""

    stream: ClassVar[str] = "whole words"
    max_words: ClassVar[int] = 1

    def draw_lengths(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """One word."""
        return np.ones(shape, np.int64)
