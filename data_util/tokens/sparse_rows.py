"""Sparse vectors of texts, one after another in three arrays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SparseRows:
    """Sparse vectors, one per text.

    Attributes:
        indices: (entries,) int32, the features of each text one text after another.
        values: (entries,) float32.
        offsets: (texts + 1,) int64: text i has the entries `offsets[i]` to `offsets[i + 1]`.
    """

    indices: np.ndarray
    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, text: int) -> tuple[np.ndarray, np.ndarray]:
        """The features of a text and their values."""
        chosen = slice(self.offsets[text], self.offsets[text + 1])
        return self.indices[chosen], self.values[chosen]

    @classmethod
    def stack(cls, rows: Iterable[tuple[np.ndarray, np.ndarray]]) -> "SparseRows":
        """Collects the vectors of texts."""
        indices, values = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
        for row_indices, row_values in rows:
            indices.append(row_indices)
            values.append(row_values)
        lengths = [len(row) for row in indices]
        return cls(np.concatenate(indices), np.concatenate(values), np.cumsum(lengths))
