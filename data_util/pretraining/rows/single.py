"""Sequences of one segment: contiguous text of a document."""

from typing import ClassVar

import numpy as np

from data_util.pretraining.rows.base import RowPlan, Rows
from data_util.pretraining.segments import TextSegments


class SingleRows(RowPlan):
    """`[CLS] A [SEP]`: every document from its start; A takes whole segments while they fit.

    Nothing is drawn: every epoch has the same rows.
    """

    reserved_tokens: ClassVar[int] = 2

    def plan(
        self,
        segments: TextSegments,
        documents: np.ndarray,
        token_budget: int,
        generator: np.random.Generator,
    ) -> Rows:
        """See `RowPlan.plan`; `b_length` is 0 everywhere."""
        position = segments.document_offsets[documents]
        ends = segments.document_offsets[documents + 1]
        starts, stops = [], []
        # All documents advance together, one run of each at a time: in NumPy, not in Python.
        while len(position):
            stop = segments.run_ends(position, ends, token_budget)
            starts.append(segments.offsets[position])
            stops.append(segments.offsets[stop])
            unfinished = stop < ends
            position, ends = stop[unfinished], ends[unfinished]
        a_start, a_end = np.concatenate(starts), np.concatenate(stops)
        return Rows(a_start, a_end - a_start, a_end, np.zeros_like(a_start))
