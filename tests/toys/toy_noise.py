"""A noise: some neighbouring tokens change places."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise


class SwapNoise(Noise):
    """Exchanges the tokens of some pairs of neighbours: of positions 1 and 2, 3 and 4, ...

    Each pair of two ordinary tokens is exchanged with the mask probability. The arrays are
    `swapped` (rows, length) int32, 1 for a token that was moved, and `swapped_weights` (rows,
    length) float32, 1 for an ordinary token.
    """

    stream: ClassVar[str] = "swaps"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        ids = batch["token_ids"]
        pairs = (ids.shape[1] - 1) // 2
        first, second = slice(1, 1 + 2 * pairs, 2), slice(2, 2 + 2 * pairs, 2)
        ordinary = np.isin(ids, self.vocabulary.ordinary_ids)
        possible = ordinary[:, first] & ordinary[:, second]
        drawn = possible & (generator.random(possible.shape) < self.mask_probability)
        token_ids, swapped = ids.copy(), np.zeros_like(ids)
        token_ids[:, first] = np.where(drawn, ids[:, second], ids[:, first])
        token_ids[:, second] = np.where(drawn, ids[:, first], ids[:, second])
        swapped[:, first] = swapped[:, second] = drawn
        return {
            "token_ids": token_ids,
            "swapped": swapped,
            "swapped_weights": ordinary.astype(np.float32),
        }
