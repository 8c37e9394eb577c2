"""Masks single tokens, for the masked language model.

References:
    Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.1 (task 1) and appendix A.1.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.masking import Masking


class TokenNoise(Masking):
    """Hides single tokens, each chosen independently of its neighbours.

    A sequence of c ordinary tokens gets `floor(mask_probability * c + u)` masks, u uniform in
    [0, 1): `mask_probability * c` in the mean, and at least one if there is a candidate.
    """

    stream: ClassVar[str] = "masks"

    def slots(self, length: int) -> int:
        """The number of slots for chosen tokens: enough for any sequence, a multiple of 8."""
        most = max(1, math.ceil(self.mask_probability * length))
        return min(length, 8 * math.ceil(most / 8))

    def choose(
        self,
        batch: Mapping[str, np.ndarray],
        candidate: np.ndarray,
        generator: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """See `Masking.choose`."""
        num_rows, length = candidate.shape
        slots = self.slots(length)
        number = candidate.sum(1)
        wanted = self.mask_probability * number + generator.random(num_rows)
        chosen = np.minimum(np.maximum(np.floor(wanted).astype(np.int64), number > 0), slots)

        # The positions of the lowest random scores: a sample without replacement.
        scores = generator.random((num_rows, length), dtype=np.float32)
        scores[~candidate] = 2.0
        lowest = np.argpartition(scores, slots - 1, axis=1)[:, :slots]
        ranks = np.argsort(np.take_along_axis(scores, lowest, 1), axis=1)
        positions = np.take_along_axis(lowest, ranks, 1)
        used = np.arange(slots) < chosen[:, None]
        positions = np.sort(np.where(used, positions, length), axis=1)
        return np.where(used, positions, 0), used, None
