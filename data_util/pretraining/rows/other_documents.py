"""Text from other documents, for pairs that do not belong together."""

import numpy as np

from data_util.pretraining.segments import TextSegments


class OtherDocuments:
    """Draws segments from documents other than a given one.

    Args:
        segments: of the corpus.
        documents: (documents,) int64, the indices of those to draw from. Below, a document is
            given by its index in this array.
        generator: the source of all randomness.
    """

    def __init__(
        self, segments: TextSegments, documents: np.ndarray, generator: np.random.Generator
    ) -> None:
        self._segments = segments
        self._firsts = segments.document_offsets[documents]
        self._ends = segments.document_offsets[documents + 1]
        self._has_two_segments = self._ends - self._firsts == 2
        self._of_two_segments = np.flatnonzero(self._has_two_segments)
        self._generator = generator

    def draw(
        self, own: np.ndarray, wanted: np.ndarray, room: np.ndarray, used: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws a slice from another document for each pair.

        Args:
            own: (pairs,) int64, the document that each slice must not come from; there are others.
            wanted: (pairs,) int64, the most tokens in a run of segments.
            room: (pairs,) int64, the most tokens in the second segment of a document of two.
            used: (pairs,) bool, whether the slice is used at all.

        Returns:
            Starts and ends in the corpus' ids, (pairs,) int64: for a document of two segments the
            second one of another such document, if there is one; otherwise a run of segments.
        """
        start, end = self._runs(own, wanted)
        several = len(self._of_two_segments) > 1
        pairs = np.flatnonzero(used & self._has_two_segments[own] & several)
        if len(pairs):
            start[pairs], second_end = self._seconds(own[pairs])
            end[pairs] = np.minimum(second_end, start[pairs] + room[pairs])
        return start, end

    def _runs(self, own: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs of segments from random starts in random documents, of full length if possible."""
        offsets, generator = self._segments.offsets, self._generator
        other = generator.integers(0, len(self._firsts) - 1, len(own))
        other += other >= own
        first, end = self._firsts[other], self._ends[other]
        # Only starts after which the document is long enough, if there are any.
        latest = np.searchsorted(offsets, offsets[end] - wanted, side="right") - 1
        choices = np.clip(latest - first, 0, None) + 1
        start = first + np.floor(generator.random(len(own)) * choices).astype(np.int64)
        stop = self._segments.run_ends(start, end, wanted)
        return offsets[start], np.where(stop > start, offsets[stop], offsets[start] + wanted)

    def _seconds(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The second segments of other documents of two segments.

        They are drawn from those of the same length as the document's own, or, if there are none,
        from the next shorter and the next longer ones.
        """
        offsets, firsts = self._segments.offsets, self._firsts[self._of_two_segments]
        own = np.searchsorted(self._of_two_segments, own)
        all_lengths = offsets[firsts + 2] - offsets[firsts + 1]
        order = np.argsort(all_lengths, kind="stable")
        lengths = all_lengths[order]
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        low = np.searchsorted(lengths, all_lengths[own], side="left")
        high = np.searchsorted(lengths, all_lengths[own], side="right")
        alone = high - low == 1
        low, high = np.maximum(low - alone, 0), np.minimum(high + alone, len(order))
        draw = self._generator.random(len(own))
        chosen = low + np.floor(draw * (high - low - 1)).astype(np.int64)
        chosen += chosen >= rank[own]
        segment = firsts[order[chosen]] + 1
        return offsets[segment], offsets[segment + 1]
