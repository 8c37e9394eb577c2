"""A noise of the tests: some neighbouring tokens change places."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise


class SwapNoise(Noise):
    """Exchanges the two tokens of some pairs of neighbours.

    The pairs are the positions 1 and 2, 3 and 4, ...; of those that are both ordinary, each is
    exchanged with the mask probability. The arrays are `swapped` (rows, pairs) int32, 1 where a
    pair was exchanged, and `swapped_weights` (rows, pairs) float32, 1 where it could have been.
    """

    stream: ClassVar[str] = "swaps"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        token_ids = batch["token_ids"].copy()
        pairs = (token_ids.shape[1] - 1) // 2
        first, second = (token_ids[:, start : start + 2 * pairs : 2] for start in (1, 2))
        ordinary = self.vocabulary.ordinary_ids
        possible = np.isin(first, ordinary) & np.isin(second, ordinary)
        swapped = possible & (generator.random(possible.shape) < self.mask_probability)
        first[swapped], second[swapped] = second[swapped], first[swapped]
        return {
            "token_ids": token_ids,
            "swapped": swapped.astype(np.int32),
            "swapped_weights": possible.astype(np.float32),
        }
