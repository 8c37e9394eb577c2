"""Masks spans of words.

References:
    Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans",
    section 3.1: lengths from Geo(0.2), at most 10, 3.8 in the mean
    (https://arxiv.org/abs/1907.10529).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.units import UnitNoise

_SUCCESS, MAX_SPAN = 0.2, 10
# A span of words that consist of many pieces has no targets beyond these.
MAX_OFFSETS = 20
_WEIGHTS = _SUCCESS * (1 - _SUCCESS) ** np.arange(MAX_SPAN)
PROBABILITIES = _WEIGHTS / _WEIGHTS.sum()


class SpanNoise(UnitNoise):
    """Hides spans of up to ten words, and says where the span of each hidden token is.

    The further arrays are `span_left_positions` and `span_right_positions` (rows, slots) int32, the
    positions of the tokens just before and just after the span, `span_offsets` (rows, slots) int32,
    the number of tokens of the span before the hidden one, and `span_weights` (rows, slots)
    float32, 1 for an offset below `MAX_OFFSETS`. Where the weight is 0, so are the others.
    """

    stream: ClassVar[str] = "spans"
    max_words: ClassVar[int] = MAX_SPAN

    def draw_lengths(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """From 1 to 10, each 0.8 times as probable as the one before."""
        return 1 + np.searchsorted(np.cumsum(PROBABILITIES)[:-1], generator.random(shape), "right")

    def describe_units(
        self, positions: np.ndarray, used: np.ndarray, first: np.ndarray
    ) -> dict[str, np.ndarray]:
        """See the class."""
        rows, slots = np.arange(len(positions))[:, None], positions.shape[1]
        begins = positions[rows, first]
        ends_here = np.ones(used.shape, bool)
        ends_here[:, :-1] = (first[:, 1:] != first[:, :-1]) | ~used[:, 1:]
        # The nearest slot from here on in which a span ends.
        slot = np.where(ends_here, np.arange(slots), slots - 1)
        last = np.minimum.accumulate(slot[:, ::-1], axis=1)[:, ::-1]
        offsets = positions - begins
        counted = used & (offsets < MAX_OFFSETS)
        arrays = {
            "span_left_positions": begins - 1,
            "span_right_positions": positions[rows, last] + 1,
            "span_offsets": offsets,
        }
        return {
            **{name: np.where(counted, one, 0).astype(np.int32) for name, one in arrays.items()},
            "span_weights": counted.astype(np.float32),
        }
