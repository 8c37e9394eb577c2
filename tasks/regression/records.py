"""Reads texts, or pairs of texts, with their values: lines, JSON and tables."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.choices import DEFAULT_LABEL_FIELD
from data_util.reading.examples import ExampleReader
from data_util.reading.fields import has_field, id_of, listed, text_fields, text_of, value_of
from data_util.reading.settings import Reading
from data_util.reading.text_pairs import Text
from tasks.data import Files, Line

# What the default of --label_field stands for here.
VALUE_FIELDS = ("value", "score", "label")
_RIGHT_FORM = "the form is `text<TAB>4.2` or `text_a<TAB>text_b<TAB>4.2`"


@dataclass(frozen=True, slots=True)
class Valued:
    """A text, or a pair of texts, with its value.

    Attributes:
        texts: one, or two.
        value: None: it is not known.
        id: by which the file names it; None: by none.
        place: the file and the line.
    """

    texts: tuple[str, ...]
    value: float | None = None
    id: str | int | None = None
    place: tuple[str, int] = ("", 0)

    @property
    def is_pair(self) -> bool:
        """Whether it has two texts."""
        return len(self.texts) == 2

    @property
    def text(self) -> Text:
        """The text, or both texts of a pair."""
        return self.texts[0] if len(self.texts) == 1 else (self.texts[0], self.texts[1])


def read_valued(
    files: Sequence[str | Path], reading: Reading, max_examples: int | None = None
) -> Iterator[Valued]:
    """The examples of labelled files, in order.

    Raises:
        InputError: a file cannot be read, a line is wrong, or some examples are pairs and others
            are not; the message names the file and the line.
    """
    pairs = reading.pairs
    for path, line, found in valued_reader(reading).files(files, max_examples):
        pairs = found.is_pair if pairs is None else pairs
        if message := other_kind(found, pairs=pairs):
            raise InputError(message, path, line)
        yield replace(found, place=(path, line))


def valued_reader(reading: Reading) -> ExampleReader[Valued]:
    """What reads texts with values."""
    return ExampleReader(partial(parse, reading=reading), reading)


def other_kind(found: Valued, *, pairs: bool) -> str:
    """What is wrong with an example among pairs, or among single texts; "": nothing."""
    if found.is_pair == pairs:
        return ""
    wrong = "a single text among pairs" if pairs else "a pair among single texts"
    return f"{wrong}: {_RIGHT_FORM}"


def read_lines(stream: BinaryIO, name: str, reading: Reading, *, pairs: bool) -> Iterator[Line]:
    """The texts, or pairs, of a stream, one by one; values are not read."""
    reader = ExampleReader(partial(parse_unlabelled, reading=reading, pairs=pairs), reading)
    for line, found in reader.stream(stream, name):
        if isinstance(found, InputError):
            yield Line(line, error=found)
        elif found is None or not all(found.texts):
            yield Line(line, id=None if found is None else found.id)
        else:
            yield Line(line, found.text, found.id)


def training_texts(files: Files, reading: Reading) -> Iterator[Text]:
    """The training texts, or pairs, in order."""
    return (each.text for each in read_valued(files["train"], reading))


def value_names(reading: Reading) -> tuple[str, ...]:
    """The names that the field of the value may have."""
    given = reading.label_field
    return VALUE_FIELDS if given == DEFAULT_LABEL_FIELD else (given,)


def parse(given: Any, reading: Reading) -> list[Valued]:
    """The example of a line or a record.

        >>> parse("a cat\\ta dog\\t2.5", Reading())
        [Valued(texts=('a cat', 'a dog'), value=2.5, ...)]

    Raises:
        InputError: it is none; without a path.
    """
    if isinstance(given, Mapping):
        texts = _texts(given, reading)
        name = next((each for each in value_names(reading) if has_field(given, each)), None)
        if name is None:
            wanted = " or ".join(f"`{each}`" for each in value_names(reading))
            raise InputError(
                f"no value: a record needs {wanted}. {listed(given)}. Name the right one with "
                "--label_field=NAME"
            )
        value, named = _number(value_of(given, name)), id_of(given)
        if value is None:
            raise InputError(f"`{name}` must be a finite number, not {value_of(given, name)!r:.80}")
    else:
        *parts, last = [part.strip() for part in str(given).split("\t")]
        texts, value, named = tuple(parts), _number(last), None
        if not 1 <= len(texts) <= 2 or value is None:
            raise InputError(f"no value at the end, or too many tabs: {_RIGHT_FORM}")
    if not all(texts):
        raise InputError(f"a text is empty: {_RIGHT_FORM}")
    return [Valued(texts, value, named)]


def parse_unlabelled(given: Any, reading: Reading, *, pairs: bool) -> list[Valued]:
    """The text, or the pair, of a line or a record; a value at the end of a line is left out.

    Raises:
        InputError: it is of the other kind; without a path.
    """
    if isinstance(given, Mapping):
        texts, named = _texts(given, reading), id_of(given)
    else:
        parts, named = [part.strip() for part in str(given).split("\t")], None
        if len(parts) == 2 + pairs and _number(parts[-1]) is not None:
            parts.pop()
        texts = tuple(parts) if pairs else (" ".join(filter(None, parts)),)
    if len(texts) != 1 + pairs:
        wanted = "pairs: `text_a<TAB>text_b`" if pairs else "single texts"
        raise InputError(f"this checkpoint reads {wanted}, and here are {len(texts)} texts")
    return [Valued(texts, None, named)]


def _texts(record: Mapping[str, Any], reading: Reading) -> tuple[str, ...]:
    return tuple(text_of(record, name).strip() for name in text_fields(record, reading))


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e30 else None
