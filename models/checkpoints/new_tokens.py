"""The weights of tokens that a vocabulary got after a model was trained with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class NewTokens:
    """Tokens that a vocabulary got after a model was trained with it.

        >>> NewTokens(3, [[0, 2]]).filled(np.array([1.0, 2.0, 3.0, 0.0]))
        array([1., 2., 3., 2.])

    Attributes:
        first: the id of the first of them; the others follow.
        parts: for each, the ids of the earlier tokens that it consists of, at least one.
    """

    first: int
    parts: Sequence[Sequence[int] | np.ndarray]

    def filled(self, table: np.ndarray) -> np.ndarray:
        """A table whose rows of new tokens are the mean of those of their parts.

        Args:
            table: (tokens, ...), one row per token.
        """
        filled = table.copy()
        for row, parts in enumerate(self.parts, start=self.first):
            filled[row] = table[np.asarray(parts)].mean(axis=0)
        return filled

    def extend(
        self,
        theirs: dict[str, Any],
        ours: Mapping[str, keras.Variable],
        token_weights: Sequence[keras.Variable],
    ) -> None:
        """Gives the variables of a trained model that have one row per token those of the new ones.

        Args:
            theirs: the trained model's variables by name; those with one row per token are replaced
                by arrays of the shape of `ours`.
            ours: the variables by name of the model that knows the new tokens.
            token_weights: those of `ours` that have one row per token.
        """
        extended = {id(variable) for variable in token_weights}
        for name, variable in ours.items():
            if id(variable) not in extended or name not in theirs:
                continue
            known = keras.ops.convert_to_numpy(theirs[name])
            if known.shape[1:] == tuple(variable.shape[1:]) and len(known) <= variable.shape[0]:
                table = np.zeros(tuple(variable.shape), known.dtype)
                table[: len(known)] = known
                theirs[name] = self.filled(table)
