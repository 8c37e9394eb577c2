"""A text whose tokens are labelled, its given words, and the part of each that gets a tag."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from data_util.tokens.tokenizers import Tokenizer, WordPieceTokenizer
from tasks.data import TextEncoder
from tasks.token_classification.tags import Entity
from tasks.windows import Span, owners, windows

# Between two of these, or one of them and another character, there is no space.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u3000-\u303f\uff00-\uffef]")
_CONTINUES = "##"


@dataclass(frozen=True)
class Passage:
    """A text, perhaps cut into words by whoever gives it.

    Attributes:
        text: the text.
        words: the spans of its words, first character and one past the last; None: it is not cut.
    """

    text: str
    words: tuple[Span, ...] | None = None


@dataclass(frozen=True, eq=False)
class EncodedPassage:
    """A passage as the model reads it.

    What gets a tag is a *unit*: a token or, where a word has several tokens, the word, whose first
    token carries the tag.

    Attributes:
        text: the text.
        ids: (tokens,) int32, all of them.
        units: (units, 2) int64, the span of each unit in the text.
        first: (units,) int64, the token that carries the tag of each unit, in order.
        windows: the spans of tokens that the model reads at once.
    """

    text: str
    ids: np.ndarray
    units: np.ndarray
    first: np.ndarray
    windows: list[Span]


def joined(words: Sequence[str]) -> Passage:
    """The text of some words: with spaces between them, but not beside Chinese characters.

    >>> joined(["EU", "rejects"]).text, joined(["北", "京"]).text
    ('EU rejects', '北京')
    """
    text, spans = "", []
    for word in words:
        if text and word and not (_UNSPACED.match(text[-1]) or _UNSPACED.match(word[0])):
            text += " "
        spans.append((len(text), len(text) + len(word)))
        text += word
    return Passage(text, tuple(spans))


def encode(passages: Sequence[Passage], text: TextEncoder, overlap: int) -> list[EncodedPassage]:
    """Encodes passages.

    Args:
        passages: the passages.
        text: encodes them.
        overlap: tokens that two neighbouring windows share; less than a window has.
    """
    size = text.sequence_length - 2  # beside [CLS] and [SEP]
    found = []
    encoded = text.encode_with_tokens([passage.text for passage in passages])
    for passage, (ids, tokens) in zip(passages, encoded, strict=True):
        spans = text.tokenizer.spans(passage.text)
        units, first = _units(passage, tokens, spans, text.tokenizer)
        places = windows(len(ids), size, min(overlap, size - 1))
        unit_spans = np.array(units, np.int64).reshape(-1, 2)
        first_tokens = np.array(first, np.int64)
        found.append(EncodedPassage(passage.text, ids, unit_spans, first_tokens, places))
    return found


def _units(
    passage: Passage, tokens: Sequence[str], spans: Sequence[Span], tokenizer: Tokenizer
) -> tuple[list[Span], list[int]]:
    """The units' spans, and the first token of each."""
    units: list[Span] = []
    first: list[int] = []
    if passage.words is None:
        pieces = isinstance(tokenizer, WordPieceTokenizer)
        for place, (token, (start, end)) in enumerate(zip(tokens, spans, strict=True)):
            if pieces and units and token.startswith(_CONTINUES) and units[-1][1] == start:
                units[-1] = units[-1][0], end
            elif not units or end > units[-1][1]:
                units.append((max(start, units[-1][1] if units else 0), end))
                first.append(place)
        return units, first
    ends = np.array([end for _, end in passage.words])
    covered = -1  # the last word that belongs to a unit
    for place, (start, end) in enumerate(spans):
        # A token may reach over several words: its unit consists of all of them.
        begin = int(np.searchsorted(ends, start, side="right"))
        last = int(np.searchsorted(ends, max(end - 1, start), side="right"))
        last = min(last, len(ends) - 1)
        if begin > covered:
            units.append((passage.words[begin][0], passage.words[last][1]))
            first.append(place)
        elif last > covered:
            units[-1] = units[-1][0], passage.words[last][1]
        covered = max(covered, last)
    return units, first


def scores_of(encoded: EncodedPassage, logits: np.ndarray) -> np.ndarray:
    """The scores of each unit, from the window in which most is around its token.

    Args:
        encoded: the passage.
        logits: (windows, length, tags) float, [CLS] first.

    Returns:
        (units, tags).
    """
    owner = owners(encoded.windows)[encoded.first]
    starts = np.array([start for start, _ in encoded.windows])
    return logits[owner, encoded.first + 1 - starts[owner]]


def in_characters(encoded: EncodedPassage, entities: Sequence[Entity]) -> list[Entity]:
    """Entities over units as spans of characters."""
    units = encoded.units
    return [
        Entity(label, int(units[start, 0]), int(units[end - 1, 1]))
        for label, start, end in entities
    ]


def unit_range(units: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """The units that have a part of a span of characters: the first, and one past the last."""
    return (
        int(np.searchsorted(units[:, 1], start, side="right")),
        int(np.searchsorted(units[:, 0], end, side="left")),
    )
