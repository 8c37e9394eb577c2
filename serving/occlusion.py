"""Explains by occlusion which characters of a text, or of a pair of texts, support a label.

Zeiler and Fergus 2014, section 4.2 (https://arxiv.org/abs/1311.2901): cover a part of the input and
measure how much the score of the class falls. Here a part is a token, covered by [MASK], which
carries no information and which the backbone knows from pre-training. The score is the log-odds of
the label, which change even where the probability is close to 1:

    importance(part) = log_odds(text) - log_odds(text with the part covered)

In a long text a part is a few adjacent tokens, so that the number of forward passes is bounded. In
a pair, a part of one text is covered while the other text stays unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_PARTS = 128


@dataclass(frozen=True)
class Part:
    """A span of text that is covered as a whole.

    Attributes:
        start, end: its first character and one past its last.
        first, last: its first token and one past its last.
    """

    start: int
    end: int
    first: int
    last: int


def shares_of(lengths: Sequence[int], max_parts: int) -> list[int]:
    """The most parts that each text may have, by its length if not every token can be a part.

    Args:
        lengths: number of tokens of the text, or of both texts.
        max_parts: of all texts together; at least the number of texts.
    """
    if len(lengths) == 1 or sum(lengths) <= max_parts:
        return [max_parts] * len(lengths)
    first = min(max(1, max_parts * lengths[0] // sum(lengths)), max_parts - 1)
    return [first, max_parts - first]


def parts_of(spans: list[tuple[int, int]], max_parts: int) -> list[Part]:
    """Divides a text into at most `max_parts` parts of equally many tokens, in order.

    Args:
        spans: of each token that the model reads: first character, one past the last.
        max_parts: at least 1.
    """
    size = max(1, -(-len(spans) // max_parts))
    parts = []
    for first in range(0, len(spans), size):
        chosen = spans[first : first + size]
        parts.append(Part(chosen[0][0], chosen[-1][1], first, first + len(chosen)))
    return parts
