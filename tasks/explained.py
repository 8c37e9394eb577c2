"""The part of a task that explains its labels: which characters of a text support them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data_util.tokens.tokenizers import Tokenizer
from tasks.data import TextEncoder


class Explained:
    """What a task implements if its `explains` is true: see `tasks.base.Task`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the outputs."""
        raise NotImplementedError

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(examples, labels) outputs to probabilities, in NumPy."""
        raise NotImplementedError

    def log_odds(self, outputs: np.ndarray, label: int) -> np.ndarray:
        """(examples, labels) outputs to `log(p / (1 - p))` of a label, (examples,) float64."""
        raise NotImplementedError

    def read_lengths(self, lengths: Sequence[int], text: TextEncoder) -> list[int]:
        """How many tokens of each text of a record, given their lengths, the model reads."""
        raise NotImplementedError

    def spans(self, record: Any, tokenizer: Tokenizer) -> list[list[tuple[int, int]]]:
        """The spans of each text's tokens: first character, one past the last."""
        raise NotImplementedError
