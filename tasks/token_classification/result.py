"""The result for a text: its entities."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from tasks.formats import ResultFormat
from tasks.token_classification.passages import Passage, unit_range
from tasks.token_classification.tags import Entity, tags_of
from tasks.windows import Span

# Words, and each Chinese character and each punctuation mark by itself.
_WORD = regex.compile(r"\p{Han}|[\p{L}\p{M}\p{N}_'’-]+|\S")


@dataclass
class FoundEntity:
    """An entity in a text.

    Attributes:
        start, end: its first character, and one past its last; `text[start:end]` is its text.
        text: its text.
        label: its type.
        probability: that exactly these characters are an entity of this type.
    """

    start: int
    end: int
    text: str
    label: str
    probability: float


@dataclass
class Tagging:
    """The entities of a text, in order."""

    entities: list[FoundEntity]


def tagging(
    text: str, entities: Sequence[Entity], probabilities: Sequence[float]
) -> dict[str, Any]:
    """A `Tagging` as JSON has it; probabilities are rounded to six decimals.

    Args:
        text: the text.
        entities: spans of its characters.
        probabilities: of each.
    """
    return {
        "entities": [
            {
                "start": entity.start,
                "end": entity.end,
                "text": text[entity.start : entity.end],
                "label": entity.label,
                "probability": round(probability, 6),
            }
            for entity, probability in zip(entities, probabilities, strict=True)
        ]
    }


class ConllFormat(ResultFormat):
    """A word and its tag on each line, with a tab between them, and a blank line after each text.

    The words are those that were given or, of a mere text, runs of letters, single Chinese
    characters and punctuation marks, cut where an entity begins or ends.
    """

    def line(self, record: Passage | None, result: Mapping[str, Any]) -> str:
        """See `ResultFormat.line`."""
        if record is None:
            return "\n"
        entities = [
            Entity(each["label"], each["start"], each["end"]) for each in result["entities"]
        ]
        words = list(record.words or _words(record.text, entities))
        ranges = [self._placed(each, words) for each in entities]
        tags = tags_of([each for each in ranges if each.start < each.end], len(words), self.scheme)
        lines = (
            f"{record.text[start:end]}\t{tag}\n"
            for (start, end), tag in zip(words, tags, strict=True)
        )
        return "".join(lines) + "\n"

    @property
    def scheme(self) -> str:
        """The scheme of the task's tags."""
        return self.task.scheme

    @staticmethod
    def _placed(entity: Entity, words: Sequence[Span]) -> Entity:
        import numpy as np

        first, last = unit_range(np.array(words).reshape(-1, 2), entity.start, entity.end)
        return entity._replace(start=first, end=last)


def _words(text: str, entities: Sequence[Entity]) -> Iterator[Span]:
    """The words of a text, none of which has a part of an entity and something else."""
    cuts = sorted({0, len(text), *(place for each in entities for place in (each.start, each.end))})
    for begin, end in itertools.pairwise(cuts):
        for word in _WORD.finditer(text, begin, end):
            yield word.span()
