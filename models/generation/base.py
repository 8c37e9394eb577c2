"""What the ways to generate have in common: what they ask of a model, and what they give."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Step(Protocol):
    """Scores the next token of some sequences."""

    def __call__(self, sequences: np.ndarray, parents: np.ndarray) -> np.ndarray:
        """Scores every token as the next one of each sequence.

        A step that keeps a cache reads the last token of each sequence alone, after it has taken
        the rows of its cache that `parents` names.

        Args:
            sequences: (rows, tokens) int32, all that has been written so far, prompts included;
                one token longer in each call.
            parents: (rows,) int64: for each sequence, the row of the last call that it continues;
                in the first call, its prompt. Rows may be missing and may come several times.

        Returns:
            (rows, vocab_size) float32 logits.
        """


@dataclass(frozen=True)
class Generated:
    """A sequence that was generated.

    Attributes:
        ids: (tokens,) int32, without the prompt and without the token that ended it.
        log_probability: the sum of the logarithms of the tokens' probabilities, that of the token
            that ended it included.
        length: how many tokens that sum is of.
        score: `log_probability / length ** length_penalty`.
        finished: whether the model ended it; otherwise it reached the longest length.
    """

    ids: np.ndarray
    log_probability: float
    length: int
    score: float
    finished: bool
