"""Hides nothing: the tokens on both sides of each position, for two-way language models."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.next_token import NextTokenNoise


class NeighbourTokensNoise(NextTokenNoise):
    """Leaves the text as it is, and says which token follows at each position and which precedes.

    The arrays are those of `NextTokenNoise`, and `previous_ids` (rows, length) int32 and
    `previous_weights` (rows, length) float32, 1 where the token before is ordinary and the position
    holds a token itself. Where the weight is 0, so is the id.
    """

    stream: ClassVar[str] = "neighbour tokens"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """See the class; nothing is drawn."""
        ids = batch["token_ids"]
        previous_ids = np.zeros_like(ids)
        previous_ids[:, 1:] = ids[:, :-1]
        counted = np.isin(previous_ids, self.vocabulary.ordinary_ids)
        counted &= ids != self.vocabulary.pad_id
        counted[:, 0] = False
        return {
            **super().arrays(batch, generator),
            "previous_ids": np.where(counted, previous_ids, 0).astype(np.int32),
            "previous_weights": counted.astype(np.float32),
        }
