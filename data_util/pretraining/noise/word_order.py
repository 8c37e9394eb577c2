"""Shuffles the tokens of some trigrams, beside the masks of single tokens.

References:
    Wang et al. 2020, "StructBERT: Incorporating Language Structures into Pre-training for Deep
    Language Understanding", section 2.2 (https://arxiv.org/abs/1908.04577).
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.token import TokenNoise

_LENGTH, _SHARE = 3, 0.05


class WordOrderNoise(TokenNoise):
    """Masks tokens as `TokenNoise` does, and shuffles trigrams of those that are left.

    Each sequence is cut into trigrams from its first, second or third token on; of those that
    consist of ordinary tokens that are not masked, 5 % in the mean are put into a random order. The
    further arrays are `shuffled_positions` and `shuffled_ids` (rows, slots) int32, in ascending
    order of the positions, the places and the tokens that belong there; and `shuffled_weights`
    (rows, slots) float32, 1 for the places of a trigram whose order has changed. Where the weight
    is 0, so are the others.
    """

    stream: ClassVar[str] = "word order"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Masks tokens, then shuffles trigrams; see the class."""
        arrays = super().arrays(batch, generator)
        before, after = batch["token_ids"], arrays["token_ids"]
        num_rows, length = before.shape
        slots = math.ceil(_SHARE * length / _LENGTH) + 1
        is_free = self._is_candidate[before]
        hidden = np.zeros((num_rows, length), bool)
        rows = np.arange(num_rows)[:, None]
        used = arrays["masked_weights"] > 0
        hidden[np.nonzero(used)[0], arrays["masked_positions"][used]] = True
        is_free &= ~hidden

        # The places of each trigram, (rows, trigrams, 3); those beyond the end are not free.
        count = length // _LENGTH + 1
        start = generator.integers(0, _LENGTH, (num_rows, 1))
        places = (start + _LENGTH * np.arange(count))[..., None] + np.arange(_LENGTH)
        inside = places < length
        places = np.minimum(places, length - 1)
        free = (inside & is_free[rows[..., None], places]).all(-1)
        number = np.floor(_SHARE * free.sum(1) + generator.random(num_rows))
        scores = np.where(free, generator.random(free.shape), 2.0)
        slots = min(slots, count)
        chosen = np.argsort(scores, axis=1)[:, :slots]
        taken = np.arange(slots) < number[:, None]
        chosen = np.sort(np.where(taken, chosen, count), axis=1)
        taken = chosen < count
        positions = places[rows, np.minimum(chosen, count - 1)]

        orders = np.argsort(generator.random(positions.shape), axis=-1)
        ids = before[rows[..., None], positions]
        shuffled = np.take_along_axis(ids, orders, -1)
        changed = taken & (shuffled != ids).any(-1)
        where = np.nonzero(changed)
        token_ids = after.copy()
        token_ids[where[0][:, None], positions[where]] = shuffled[where]
        weights = np.repeat(changed[..., None], _LENGTH, axis=-1)

        def flat(array: np.ndarray) -> np.ndarray:
            return np.where(weights, array, 0).reshape(num_rows, -1).astype(np.int32)

        return {
            **arrays,
            "token_ids": token_ids,
            "shuffled_positions": flat(positions),
            "shuffled_ids": flat(ids),
            "shuffled_weights": flat(weights).astype(np.float32),
        }
