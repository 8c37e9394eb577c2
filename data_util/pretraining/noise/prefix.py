"""Hides nothing: divides each text into a prefix and what a language model predicts after it."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.next_token import NextTokenNoise


class PrefixNoise(NextTokenNoise):
    """Leaves the text as it is, and draws how much of it is the prefix.

    From no token to all but the last one, all equally probable; [CLS] always belongs to the prefix.
    The arrays are those of `NextTokenNoise`, with weight 0 for the tokens of the prefix, and
    `segment_ids` (rows, length) int32: 0 in the prefix and in the padding, 1 in the rest.
    """

    stream: ClassVar[str] = "prefixes"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """See the class."""
        mask = batch["padding_mask"]
        # The last token is [SEP].
        tokens = np.maximum(mask.sum(1, keepdims=True) - 2, 1)
        last = np.floor(generator.random(tokens.shape) * tokens)  # position in the prefix
        column = np.arange(mask.shape[1])
        arrays = super().arrays(batch, generator)
        predicts = column >= last
        return {
            "next_ids": np.where(predicts, arrays["next_ids"], 0).astype(np.int32),
            "next_weights": arrays["next_weights"] * predicts.astype(np.float32),
            "segment_ids": ((column > last) & mask).astype(np.int32),
        }
