"""Entities as spans of characters in records: checked, and without those within others."""

import reprlib
from typing import Any

from common.errors import InputError
from data_util.reading.labels import label_problem
from tasks.token_classification.tags import Entity

_SHAPE = 'each must be ["label", start, end] or {"start": 0, "end": 2, "label": "..."}'


def spans_of(
    value: Any, text: str, nested: str = "error"
) -> tuple[tuple[Entity, ...], tuple[Entity, ...]]:
    """The entities of a record, in order, without white space at their ends.

    >>> spans_of([["PER", 0, 2]], "张三说")
    ((Entity(label='PER', start=0, end=2),), ())

    Args:
        value: the list in the record.
        text: the text that they are in.
        nested: of entities that overlap: "error", or "outermost": the one that begins first is
            kept, of two that begin together the longer one.

    Returns:
        The entities, and those that were left out because they are within others.

    Raises:
        InputError: there is no such list, an entity is not in the text, or two overlap.
    """
    if value is None or value == "":
        return (), ()
    if not isinstance(value, list):
        raise InputError(f"`entities` must be a list, not {reprlib.repr(value)}: {_SHAPE}")
    entities = {_entity(each, text) for each in value}
    kept: list[Entity] = []
    dropped: list[Entity] = []
    for entity in sorted(entities, key=lambda each: (each.start, -each.end, each.label)):
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
        elif nested == "outermost":
            dropped.append(entity)
        else:
            raise InputError(
                f"the entities {_shown(kept[-1], text)} and {_shown(entity, text)} overlap, and a "
                "token has one tag: --nested_entities=outermost keeps the first and longest"
            )
    return tuple(kept), tuple(dropped)


def _entity(value: Any, text: str) -> Entity:
    if isinstance(value, dict):
        value = [value.get("label"), value.get("start"), value.get("end")]
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{reprlib.repr(value)} is no entity: {_SHAPE}")
    label, start, end = value
    if type(label) is int and isinstance(end, str):  # [start, end, label], as spaCy has it
        label, start, end = end, label, start
    if not isinstance(label, str) or type(start) is not int or type(end) is not int:
        raise InputError(f"{reprlib.repr(value)} is no entity: {_SHAPE}")
    label = " ".join(label.split())
    problem = label_problem(label) if label else "the label of an entity is empty"
    if problem:
        raise InputError(problem)
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"the entity {reprlib.repr(value)} is not in the text, which has {len(text)} "
            "characters: start is the first one, from 0, and end is one past the last"
        )
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip())
    end -= len(inside) - len(inside.rstrip())
    if start >= end:
        raise InputError(f"the entity {reprlib.repr(value)} is only white space")
    return Entity(label, start, end)


def _shown(entity: Entity, text: str) -> str:
    return f"{text[entity.start : entity.end]!r:.60} ({entity.label}, {entity.start}-{entity.end})"
