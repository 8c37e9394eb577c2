"""Sparse vectors of texts: one after another in three arrays, and as inputs of a model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_ENTRIES_STEP = 64


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

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The features of each text and their values."""
        return map(self.row, range(len(self)))

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


def ngram_inputs(
    rows: SparseRows | Sequence[tuple[np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    """The inputs of an n-gram classifier for a batch.

    Args:
        rows: for each example the ids of its features and their values.

    Returns:
        "ngram_ids" (rows, entries) int32 and "ngram_values" (rows, entries) float32, 0 at padding.
    """
    longest = max((len(ids) for ids, _ in rows), default=0)
    # Few different shapes; at least one entry, for runtimes that know no empty arrays.
    entries = max(1, -(-longest // _ENTRIES_STEP)) * _ENTRIES_STEP
    all_ids = np.zeros((len(rows), entries), np.int32)
    all_values = np.zeros((len(rows), entries), np.float32)
    for row, (ids, values) in enumerate(rows):
        all_ids[row, : len(ids)] = ids
        all_values[row, : len(values)] = values
    return {"ngram_ids": all_ids, "ngram_values": all_values}
