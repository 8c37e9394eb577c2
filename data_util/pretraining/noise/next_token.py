"""Hides nothing: the token after each position is what a causal language model predicts there."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise


class NextTokenNoise(Noise):
    """Leaves the text as it is, and says which token follows at each position.

    The arrays are `next_ids` (rows, length) int32, and `next_weights` (rows, length) float32, 1
    where the next token is ordinary, so that there is something to learn from it. Where the weight
    is 0, so is the id.
    """

    stream: ClassVar[str] = "next tokens"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """See the class; nothing is drawn."""
        next_ids = np.zeros_like(batch["token_ids"])
        next_ids[:, :-1] = batch["token_ids"][:, 1:]
        counted = np.isin(next_ids, self.vocabulary.ordinary_ids)
        counted[:, -1] = False
        return {
            "next_ids": np.where(counted, next_ids, 0).astype(np.int32),
            "next_weights": counted.astype(np.float32),
        }
