"""Which characters of a text, or of the two texts of a pair, a label was given for, by occlusion.

Zeiler and Fergus 2014, section 4.2 (https://arxiv.org/abs/1311.2901): cover a part of the input and
see how far the score of the class falls. Here a part is a token, covered by [MASK], which says
nothing and which the backbone knows from pre-training. The score is the log-odds of the label,
which go on falling where the probability is already next to 1:

    importance(part) = log_odds(text) - log_odds(text with the part covered)

A part of a long text is a few neighbouring tokens, so that a text costs a bounded number of passes.
In a pair a part of one text is covered while the other stands as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_PARTS = 128


@dataclass(frozen=True)
class Part:
    """A piece of text that is covered as a whole.

    Attributes:
        start, end: its first character, one past its last.
        first, last: its first token, one past its last.
    """

    start: int
    end: int
    first: int
    last: int


def shares_of(lengths: Sequence[int], max_parts: int) -> list[int]:
    """At most how many parts each text may have: by its length, where not all tokens can be one.

    Args:
        lengths: tokens of the one text, or of both.
        max_parts: of all texts together, at least as many as there are texts.
    """
    if len(lengths) == 1 or sum(lengths) <= max_parts:
        return [max_parts] * len(lengths)
    first = min(max(1, max_parts * lengths[0] // sum(lengths)), max_parts - 1)
    return [first, max_parts - first]


def parts_of(spans: list[tuple[int, int]], max_parts: int) -> list[Part]:
    """At most `max_parts` parts of equally many tokens, in the order of the text.

    Args:
        spans: where each token that the model reads is in the text.
        max_parts: at least 1.
    """
    size = max(1, -(-len(spans) // max_parts))
    parts = []
    for first in range(0, len(spans), size):
        chosen = spans[first : first + size]
        parts.append(Part(chosen[0][0], chosen[-1][1], first, first + len(chosen)))
    return parts


def covered(ids: np.ndarray, parts: list[Part], mask_id: int) -> list[np.ndarray]:
    """The text with each part in turn replaced by [MASK]s.

    Args:
        ids: (tokens,) int32.
    """
    rows = []
    for part in parts:
        row = ids.copy()
        row[part.first : part.last] = mask_id
        rows.append(row)
    return rows
