"""Masks n-grams of words.

References:
    Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations",
    section 4.1: p(n) is proportional to 1 / n for n up to 3.
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.units import UnitNoise

_PROBABILITIES = np.array([6, 3, 2]) / 11


class NgramNoise(UnitNoise):
    """Hides one, two or three words in a row, with probabilities 6/11, 3/11 and 2/11."""

    stream: ClassVar[str] = "n-grams"
    max_words: ClassVar[int] = 3

    def draw_lengths(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """From 1 to 3."""
        return 1 + np.searchsorted(np.cumsum(_PROBABILITIES)[:-1], generator.random(shape), "right")
