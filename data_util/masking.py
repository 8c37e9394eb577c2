"""Masks for the masked language model.

References:
    Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.1 (task 1) and appendix A.1.
"""

import math

import numpy as np

from data_util.vocabulary import Vocabulary

_SHARE_MASKED, _SHARE_RANDOM = 0.8, 0.1


class Masker:
    """Hides some tokens of a batch of sequences and says which they were.

    Reserved and unknown tokens are never chosen: there is nothing to learn from them.

    Args:
        vocabulary: of the ids.
        probability: share of a sequence's ordinary tokens that is chosen.
    """

    def __init__(self, vocabulary: Vocabulary, probability: float = 0.15) -> None:
        self._probability = probability
        self._mask_id = vocabulary.mask_id
        ordinary = vocabulary.ordinary_ids
        self._random_ids = ordinary if len(ordinary) else np.array([self._mask_id], np.int32)
        self._is_candidate = np.zeros(len(vocabulary), bool)
        self._is_candidate[ordinary] = True

    def slots(self, length: int) -> int:
        """Places for chosen tokens in a sequence: enough for any, a multiple of 8."""
        return min(length, 8 * math.ceil(max(1, math.ceil(self._probability * length)) / 8))

    def mask(self, token_ids: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Chooses tokens and replaces them in `token_ids`, in place.

        A sequence of c candidates gets `floor(probability * c + u)` masks, u uniform in [0, 1):
        `probability * c` on average, and at least one where there is a candidate. Of the chosen,
        80 % become [MASK], 10 % a random ordinary token, 10 % stay.

        Args:
            token_ids: (batch, length) int32.
            generator: what is drawn comes from here.

        Returns:
            `masked_positions` (batch, slots) int32, in rising order; `masked_ids` (batch, slots)
            int32, the tokens that were there; `masked_weights` (batch, slots) float32, 1 for a
            slot that is used. Unused slots are 0 in all three.
        """
        batch, length = token_ids.shape
        slots = self.slots(length)
        candidate = self._is_candidate[token_ids]
        number = candidate.sum(1)
        chosen = np.floor(self._probability * number + generator.random(batch)).astype(np.int64)
        chosen = np.minimum(np.maximum(chosen, number > 0), slots)

        # The places of the lowest random scores: a sample without replacement.
        scores = generator.random((batch, length), dtype=np.float32)
        scores[~candidate] = 2.0
        lowest = np.argpartition(scores, slots - 1, axis=1)[:, :slots]
        ranks = np.argsort(np.take_along_axis(scores, lowest, 1), axis=1)
        positions = np.take_along_axis(lowest, ranks, 1)
        used = np.arange(slots) < chosen[:, None]
        positions = np.sort(np.where(used, positions, length), axis=1)
        positions = np.where(used, positions, 0)

        rows = np.arange(batch)[:, None]
        targets = np.where(used, token_ids[rows, positions], 0)
        draw = generator.random((batch, slots), dtype=np.float32)
        random_ids = self._random_ids[generator.integers(0, len(self._random_ids), (batch, slots))]
        replaced = np.where(draw < _SHARE_MASKED + _SHARE_RANDOM, random_ids, targets)
        replaced = np.where(draw < _SHARE_MASKED, self._mask_id, replaced)
        token_ids[np.nonzero(used)[0], positions[used]] = replaced[used]
        return {
            "masked_positions": positions.astype(np.int32),
            "masked_ids": targets.astype(np.int32),
            "masked_weights": used.astype(np.float32),
        }

    def no_masks(self, batch: int, length: int) -> dict[str, np.ndarray]:
        """The same arrays where nothing is masked."""
        shape = (batch, self.slots(length))
        return {
            "masked_positions": np.zeros(shape, np.int32),
            "masked_ids": np.zeros(shape, np.int32),
            "masked_weights": np.zeros(shape, np.float32),
        }
