"""Sequences of one text each, every two of which follow each other in a document."""

from typing import ClassVar

import numpy as np

from data_util.pretraining.rows.base import RowPlan, Rows
from data_util.pretraining.segments import TextSegments


class NeighbourRows(RowPlan):
    """`[CLS] A [SEP]` and `[CLS] B [SEP]`, in this order and in the same batch.

    Each document is read from its start: A takes whole segments while they fit, and B those after
    them. Where A would take all that is left, this rest is split at a random segment into A and B;
    if it is a single segment, it has no neighbour.

    The arrays are `neighbour_offset` (rows,) int32, the number of rows from here to the neighbour:
    1 in the row of an A, -1 in that of a B, and 0 where there is no neighbour; and
    `neighbour_weights` (rows,) float32, 0 there and 1 everywhere else.
    """

    stream: ClassVar[str] = "neighbours"
    reserved_tokens: ClassVar[int] = 2
    rows_together: ClassVar[int] = 2

    def plan(
        self,
        segments: TextSegments,
        documents: np.ndarray,
        token_budget: int,
        generator: np.random.Generator,
    ) -> Rows:
        """See `RowPlan.plan`; `b_length` is 0 everywhere."""
        offsets = segments.offsets
        position = segments.document_offsets[documents]
        ends = segments.document_offsets[documents + 1]
        texts = []
        # All documents advance together, two texts of each at a time: in NumPy, not in Python.
        while len(position):
            middle = segments.run_ends(position, ends, token_budget)
            stop = segments.run_ends(middle, ends, token_budget)
            count = middle - position
            inner = np.floor(generator.random(len(position)) * (count - 1)).astype(np.int64)
            is_split = (middle == ends) & (count > 1)
            middle = np.where(is_split, position + 1 + inner, middle)
            texts.append(np.stack([offsets[position], offsets[middle], offsets[stop]]))
            unfinished = stop < ends
            position, ends = stop[unfinished], ends[unfinished]
        first, second, end = np.concatenate(texts, axis=1)
        paired = end > second
        pairs = _alternating(first[paired], second[paired])
        pair_ends = _alternating(second[paired], end[paired])
        # Those without a neighbour come last, so that two rows of a pair have an even number first.
        start = np.concatenate([pairs, first[~paired]])
        stop = np.concatenate([pair_ends, second[~paired]])
        has_neighbour = np.arange(len(start)) < len(pairs)
        direction = 1 - 2 * (np.arange(len(start)) % 2)
        arrays = {
            "neighbour_offset": np.where(has_neighbour, direction, 0).astype(np.int32),
            "neighbour_weights": has_neighbour.astype(np.float32),
        }
        return Rows(start, stop - start, stop, np.zeros_like(start), arrays)

    def warning(self, num_documents: int, most_segments: int = 2) -> str | None:
        """See `RowPlan.warning`: a neighbour is another sentence of the document."""
        if most_segments < 2:
            return (
                "every document is a single sentence, so no text has a neighbour to learn from. If "
                "lines belong together: a blank line between documents, and --line_unit=sentence"
            )
        return None


def _alternating(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.stack([left, right], axis=1).reshape(-1)
