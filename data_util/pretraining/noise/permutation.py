"""Chooses tokens to predict, and the order in which they are predicted.

References:
    Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language Understanding",
    sections 2.2 and 2.3 (https://arxiv.org/abs/1906.08237); the lengths of the spans are those of
    `data_utils.py` in https://github.com/zihangdai/xlnet.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.units import UnitNoise
from data_util.tokens.vocabulary import Vocabulary

# One token of so many is predicted: K.
TOKENS_PER_TARGET = 6
MAX_SPAN = 5
_WEIGHTS = 1 / np.arange(1, MAX_SPAN + 1)
PROBABILITIES = _WEIGHTS / _WEIGHTS.sum()


class PermutationNoise(UnitNoise):
    """Leaves the text as it is, and says which tokens are predicted in which order.

    One sixth of the ordinary tokens, in spans of one to five words with probabilities proportional
    to 1 / n, come last in a random factorization order of the sequence. The arrays are
    `permuted_positions` and `permuted_ids` (rows, slots) int32, the positions and the tokens in
    this order, which is not that of the text and does not keep spans together; and
    `permuted_weights` (rows, slots) float32, 1 for a slot that is used. Where the weight is 0, so
    are the others.

    Args:
        vocabulary: of the ids.
        mask_probability: not read: nothing is masked.
    """

    stream: ClassVar[str] = "permutations"
    masks: ClassVar[bool] = False
    max_words: ClassVar[int] = MAX_SPAN

    def __init__(self, vocabulary: Vocabulary, mask_probability: float | None = None) -> None:
        super().__init__(vocabulary, 1 / TOKENS_PER_TARGET)

    def draw_lengths(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """From 1 to 5, n with a probability proportional to 1 / n."""
        return 1 + np.searchsorted(np.cumsum(PROBABILITIES)[:-1], generator.random(shape), "right")

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Chooses tokens and orders them; see the class."""
        ids = batch["token_ids"]
        positions, used, _ = self.choose(batch, self._is_candidate[ids], generator)
        # At random, unused slots last.
        order = np.argsort(np.where(used, generator.random(used.shape), 2.0), axis=1)
        positions, used = (np.take_along_axis(one, order, axis=1) for one in (positions, used))
        targets = np.take_along_axis(ids, positions, axis=1)
        return {
            "permuted_positions": positions.astype(np.int32),
            "permuted_ids": np.where(used, targets, 0).astype(np.int32),
            "permuted_weights": used.astype(np.float32),
        }
