"""Tags of tokens (BIO, BIOES, IOB1, or plain ones) and the entities that they stand for."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

OUTSIDE = "O"
# The label of entities whose tags have a prefix alone, as in word segmentation (B, M, E, S).
UNNAMED = "_"
# BMES and BILOU are spelled as BIOES.
_SAME = {"M": "I", "L": "E", "U": "S"}
_TAG = re.compile(r"O|[BIESMLU](-.+)?", re.DOTALL)


class Entity(NamedTuple):
    """A labelled span.

    Attributes:
        label: its type.
        start, end: the first position, and one past the last: of tokens or of characters.
    """

    label: str
    start: int
    end: int


class TagError(ValueError):
    """A tag that its scheme does not allow.

    Attributes:
        index: of the tag.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def parts_of(tag: str) -> tuple[str, str]:
    """The prefix of a tag and its label.

    >>> parts_of("B-PER"), parts_of("M-PER"), parts_of("O")
    (('B', 'PER'), ('I', 'PER'), ('O', ''))
    """
    prefix, _, label = tag.partition("-")
    if prefix == OUTSIDE:
        return OUTSIDE, ""
    return _SAME.get(prefix, prefix), label or UNNAMED


def scheme_of(sequences: Sequence[Sequence[str]]) -> str:
    """The scheme that tags are in: "bio", "bioes", "iob1" or "plain".

    Tags that fit BIO as well as IOB1 have the same entities in both, and count as BIO; so do tags
    that fit neither, whose first wrong one `entities_of` then names.
    """
    tags = {tag for sequence in sequences for tag in sequence}
    if not all(map(_TAG.fullmatch, tags)):
        return "plain"
    prefixes = {parts_of(tag)[0] for tag in tags}
    if prefixes & {"E", "S"}:
        return "bioes"
    for scheme in ("bio", "iob1"):
        try:
            for sequence in sequences:
                entities_of(sequence, scheme)
        except TagError:
            continue
        return scheme
    return "bio"


def entities_of(tags: Sequence[str], scheme: str) -> list[Entity]:
    """The entities that tags stand for, in order.

    >>> entities_of(["B-PER", "I-PER", "O", "B-LOC"], "bio")
    [Entity(label='PER', start=0, end=2), Entity(label='LOC', start=3, end=4)]

    Args:
        tags: of a text's tokens.
        scheme: "bio", "bioes", "iob1", or "plain": each token is an entity of its own.

    Raises:
        TagError: a tag does not fit the scheme.
    """
    if scheme == "plain":
        return [Entity(tag, place, place + 1) for place, tag in enumerate(tags)]
    found: list[Entity] = []
    opened: Entity | None = None  # its end is not known yet
    for place, tag in enumerate(tags):
        if not _TAG.fullmatch(tag):
            raise TagError(place, f"{tag!r:.80} is no tag such as O, B-PER or I-PER")
        prefix, label = parts_of(tag)
        problem = _problem(prefix, label, opened, scheme)
        if problem:
            raise TagError(place, f"{tag!r:.80} {problem}")
        if opened is not None and (prefix not in "IE" or label != opened.label):
            found.append(opened._replace(end=place))
            opened = None
        if prefix in "BS" or (prefix == "I" and opened is None):
            opened = Entity(label, place, place)
        if prefix in "ES" and opened is not None:
            found.append(opened._replace(end=place + 1))
            opened = None
    if opened is not None:
        if scheme == "bioes":
            raise TagError(len(tags) - 1, f"the entity {opened.label} has no E- at its end")
        found.append(opened._replace(end=len(tags)))
    return found


def tags_of(entities: Iterable[Entity], length: int, scheme: str) -> list[str]:
    """The tags of a text's tokens: the inverse of `entities_of`.

    >>> tags_of([Entity("PER", 0, 2)], 3, "bioes")
    ['B-PER', 'E-PER', 'O']

    Args:
        entities: none of them within another.
        length: the number of tokens.
        scheme: "bio", "bioes" or "plain".
    """
    tags = [OUTSIDE] * length
    for label, start, end in entities:
        if scheme == "plain":
            tags[start:end] = [label] * (end - start)
            continue
        inner = [f"I-{label}"] * (end - start)
        inner[0] = f"B-{label}"
        if scheme == "bioes":
            inner[-1] = f"E-{label}" if end - start > 1 else f"S-{label}"
        tags[start:end] = inner
    return tags


def tag_names(labels: Sequence[str], scheme: str) -> tuple[str, ...]:
    """All tags of some labels, in the order of the model's outputs.

    >>> tag_names(["PER"], "bio"), tag_names(["N", "V"], "plain")
    (('O', 'B-PER', 'I-PER'), ('N', 'V'))
    """
    if scheme == "plain":
        return tuple(labels)
    prefixes = "BI" if scheme == "bio" else "BIES"
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in prefixes))


def may_follow(before: str | None, tag: str | None, scheme: str) -> bool:
    """Whether a tag may stand after another one; None is what is before or after the text."""
    if scheme == "plain":
        return True
    first, label = (OUTSIDE, "") if before is None else parts_of(before)
    second, other = (OUTSIDE, "") if tag is None else parts_of(tag)
    inside = second in "IE"
    if scheme == "bioes":
        goes_on = first in "BI"
        return inside == goes_on and (not inside or label == other)
    return not inside or (first in "BI" and label == other)


def _problem(prefix: str, label: str, opened: Entity | None, scheme: str) -> str:
    """Why a tag may not stand after the entity that is open."""
    inside = prefix in "IE"
    continues = opened is not None and opened.label == label
    if scheme == "bioes":
        if inside and not continues:
            return f"has no B-{label} before it"
        if opened is not None and not inside:
            return f"stands within {opened.label}, which has no E- at its end"
        return ""
    if prefix in "ES":
        return "is of BIOES, and the others are not"
    if scheme == "bio" and inside and not continues:
        return f"has neither B-{label} nor I-{label} before it"
    if scheme == "iob1" and prefix == "B" and not continues:
        return f"does not follow an entity {label}: in IOB1 it would be I-{label}"
    return ""
