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
from typing import Any

import numpy as np

from tasks.base import Encoded, Record, Task
from tasks.data import TextEncoder

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


@dataclass(frozen=True)
class Occlusion:
    """A record, and variants of it in each of which one part is covered.

    Attributes:
        variants: the encoded record as the model reads it, then one variant for each part.
        parts: those of each text of the record.
        characters_read: of each text; what is after them was truncated.
    """

    variants: list[Encoded]
    parts: list[list[Part]]
    characters_read: list[int]


def occlude(record: Record, task: Task, text: TextEncoder, max_parts: int = MAX_PARTS) -> Occlusion:
    """Covers each part of a record in turn.

    Args:
        record: of a task that `explains`.
        task: the task.
        text: turns text into the model's token ids.
        max_parts: of all texts of the record together; at least the number of texts.
    """
    (encoded,) = task.encode([record], text)
    lengths = task.read_lengths([len(each) for each in encoded], text)
    encoded = tuple(each[:length] for each, length in zip(encoded, lengths, strict=True))
    spans = [
        each[:length]
        for each, length in zip(task.spans(record, text.tokenizer), lengths, strict=True)
    ]
    shares = shares_of(lengths, max_parts)
    parts = [parts_of(each, share) for each, share in zip(spans, shares, strict=True)]
    variants = [encoded]
    for index, its_parts in enumerate(parts):
        for part in its_parts:
            variant = encoded[index].cover(part.first, part.last, text.vocabulary.mask_id)
            variants.append((*encoded[:index], variant, *encoded[index + 1 :]))
    return Occlusion(variants, parts, [each[-1][1] if each else 0 for each in spans])


def explanation(
    occlusion: Occlusion, outputs: np.ndarray, task: Task, label: str | None = None
) -> dict[str, Any]:
    """Which characters support a label, as the service answers it.

    Args:
        occlusion: the record and its variants.
        outputs: (variants, labels), the model's outputs.
        task: the task.
        label: one of the task's labels; None: the most probable one.

    Returns:
        {"label", "probability", "parts": [{"start", "end", "importance"}], "characters_read"}. If
        the record has several texts, each of the task's fields has "parts" and "characters_read".
    """
    probabilities = np.asarray(task.probabilities(outputs[:1]))[0]
    index = int(probabilities.argmax()) if label is None else task.labels.index(label)
    odds = task.log_odds(outputs, index)
    drops = iter(odds[0] - odds[1:])
    texts = [
        {
            "characters_read": characters_read,
            "parts": [
                {
                    "start": part.start,
                    "end": part.end,
                    "importance": round(float(next(drops)), 6),
                }
                for part in parts
            ],
        }
        for characters_read, parts in zip(occlusion.characters_read, occlusion.parts, strict=True)
    ]
    found = {
        "label": task.labels[index],
        "probability": round(float(probabilities[index]), 6),
    }
    if len(texts) == 1:
        return {**found, **texts[0]}
    return {**found, **dict(zip(task.fields, texts, strict=True))}
