"""What the noises that hide tokens have in common: the replacements, and the arrays."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise
from data_util.tokens.vocabulary import Vocabulary

SHARE_MASKED, SHARE_RANDOM = 0.8, 0.1


class Masking(Noise):
    """Hides some tokens of each sequence and records which they were.

    Of what is chosen, 80 % becomes [MASK], 10 % random ordinary tokens, and 10 % stays (Devlin et
    al. 2019, appendix A.1). Reserved and unknown tokens are never chosen: there is nothing to learn
    from them.

    With `mask_last` there are sequences in which nothing but the last token is hidden, always by
    [MASK], as when the item that follows a sequence is asked for (Sun et al. 2019, "BERT4Rec",
    section 3.6, https://arxiv.org/abs/1904.06690).

    Args:
        vocabulary, mask_probability: as for `Noise`.
        mask_last: the fraction of these sequences, among those whose last token may be chosen.
    """

    masks: ClassVar[bool] = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        mask_probability: float | None = None,
        mask_last: float = 0.0,
    ) -> None:
        super().__init__(vocabulary, mask_probability)
        self.mask_last = mask_last
        ordinary = vocabulary.ordinary_ids
        self._random_ids = ordinary if len(ordinary) else np.array([vocabulary.mask_id], np.int32)
        self._is_candidate = np.zeros(len(vocabulary), bool)
        self._is_candidate[ordinary] = True

    @abstractmethod
    def slots(self, length: int) -> int:
        """The number of slots for chosen tokens of a sequence of this length."""

    @abstractmethod
    def choose(
        self,
        batch: Mapping[str, np.ndarray],
        candidate: np.ndarray,
        generator: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Chooses the tokens to hide.

        Args:
            batch: as in `arrays`.
            candidate: (rows, length) bool, the tokens that may be chosen.
            generator: the source of all randomness.

        Returns:
            The positions (rows, slots) int64 in ascending order, 0 in unused slots; which slots
            are used (rows, slots) bool; and the first slot of what is replaced as a whole (rows,
            slots) int64, or None if each token is replaced on its own.
        """

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
        candidate = self._is_candidate[token_ids]
        positions, used, first = self.choose(batch, candidate, generator)
        only_last = np.zeros(len(token_ids), bool)
        if self.mask_last:
            last = (token_ids != self.vocabulary.pad_id).sum(1) - 2  # [SEP] follows it
            only_last = candidate[np.arange(len(last)), last] & (last > 0)
            only_last &= generator.random(len(last)) < self.mask_last
            positions[only_last], used[only_last] = 0, False
            positions[only_last, 0], used[only_last, 0] = last[only_last], True
            if first is not None:
                first[only_last] = 0
        rows = np.arange(len(token_ids))[:, None]
        targets = np.where(used, token_ids[rows, positions], 0)
        draw = generator.random(positions.shape, dtype=np.float32)
        if first is not None:
            draw = draw[rows, first]
        draw[only_last] = 0.0
        drawn = generator.integers(0, len(self._random_ids), positions.shape)
        replaced = np.where(draw < SHARE_MASKED + SHARE_RANDOM, self._random_ids[drawn], targets)
        replaced = np.where(draw < SHARE_MASKED, self.vocabulary.mask_id, replaced)
        token_ids[np.nonzero(used)[0], positions[used]] = replaced[used]
        return {
            "token_ids": token_ids,
            "masked_positions": positions.astype(np.int32),
            "masked_ids": targets.astype(np.int32),
            "masked_weights": used.astype(np.float32),
            **({} if first is None else self.describe_units(positions, used, first)),
        }

    def describe_units(
        self, positions: np.ndarray, used: np.ndarray, first: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Further arrays about what is replaced as a whole, from what `choose` returned; none."""
        return {}
