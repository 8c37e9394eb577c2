"""Masks single tokens, for the masked language model.

References:
    Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.1 (task 1) and appendix A.1.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise
from data_util.tokens.vocabulary import Vocabulary

_SHARE_MASKED, _SHARE_RANDOM = 0.8, 0.1


class TokenNoise(Noise):
    """Hides some tokens of each sequence and records which they were.

    A sequence of c ordinary tokens gets `floor(mask_probability * c + u)` masks, u uniform in
    [0, 1): `mask_probability * c` in the mean, and at least one if there is a candidate. Of the
    chosen tokens, 80 % become [MASK], 10 % become a random ordinary token, and 10 % stay.

    Reserved and unknown tokens are never chosen: there is nothing to learn from them.
    """

    stream: ClassVar[str] = "masks"

    def __init__(self, vocabulary: Vocabulary, mask_probability: float = 0.15) -> None:
        super().__init__(vocabulary, mask_probability)
        ordinary = vocabulary.ordinary_ids
        self._random_ids = ordinary if len(ordinary) else np.array([vocabulary.mask_id], np.int32)
        self._is_candidate = np.zeros(len(vocabulary), bool)
        self._is_candidate[ordinary] = True

    def slots(self, length: int) -> int:
        """The number of slots for chosen tokens: enough for any sequence, a multiple of 8."""
        most = max(1, math.ceil(self.mask_probability * length))
        return min(length, 8 * math.ceil(most / 8))

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Chooses tokens and replaces them.

        Returns:
            `token_ids` (rows, length) int32 with the tokens hidden; `masked_positions` (rows,
            slots) int32, in ascending order; `masked_ids` (rows, slots) int32, the tokens that were
            there; `masked_weights` (rows, slots) float32, 1 for a slot that is used. Unused slots
            are 0 in the last three.
        """
        token_ids = batch["token_ids"].copy()
        num_rows, length = token_ids.shape
        slots = self.slots(length)
        candidate = self._is_candidate[token_ids]
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
        positions = np.where(used, positions, 0)

        rows = np.arange(num_rows)[:, None]
        targets = np.where(used, token_ids[rows, positions], 0)
        shape = (num_rows, slots)
        draw = generator.random(shape, dtype=np.float32)
        random_ids = self._random_ids[generator.integers(0, len(self._random_ids), shape)]
        replaced = np.where(draw < _SHARE_MASKED + _SHARE_RANDOM, random_ids, targets)
        replaced = np.where(draw < _SHARE_MASKED, self.vocabulary.mask_id, replaced)
        token_ids[np.nonzero(used)[0], positions[used]] = replaced[used]
        return {
            "token_ids": token_ids,
            "masked_positions": positions.astype(np.int32),
            "masked_ids": targets.astype(np.int32),
            "masked_weights": used.astype(np.float32),
        }
