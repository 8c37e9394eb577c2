"""Text and labels of a record: of a JSON object, or of a row of a table."""

import ast
import json
import re
import reprlib
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from common.errors import InputError
from data_util.choices import DEFAULT_LABEL_FIELD
from data_util.reading.labels import label_problem
from data_util.reading.settings import Reading

# In this order; `fact` is CAIL2018's.
TEXT_FIELDS = ("fact", "text", "sentence")
PAIR_FIELDS = (("text_a", "text_b"), ("sentence1", "sentence2"))
LABEL_FIELDS = ("label", "labels")
ID_FIELD = "id"

_MISSING = object()
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES_SHOWN = 10


def text_fields(names: Collection[str], reading: Reading) -> tuple[str, ...]:
    """The fields of a record's text, or of its two texts.

    Args:
        names: of all fields of the record.
        reading: may name the fields of the texts.

    Raises:
        InputError: there is none; the message says which there are.
    """
    if reading.text_field:
        return reading.text_field
    for pair in PAIR_FIELDS:
        if all(name in names for name in pair):
            return pair
    for name in TEXT_FIELDS:
        if name in names:
            return (name,)
    # Half of a pair is a mistake that is better named than guessed at.
    if any(name in names for name in PAIR_FIELDS[0]):
        return PAIR_FIELDS[0]
    wanted = [f"`{name}`" for name in TEXT_FIELDS]
    pairs = [f"`{first}` and `{second}`" for first, second in PAIR_FIELDS]
    raise InputError(
        f"no text: a record needs {', '.join(wanted)}, or for pairs {' or '.join(pairs)}. "
        f"{listed(names)}. Name the right one with --text_field=NAME"
    )


def text_of(record: Mapping[str, Any], field: str) -> str:
    """The text in a field, unchanged.

    Raises:
        InputError: it is missing, is not a string, or holds what is no text.
    """
    text = value_of(record, field)
    if not isinstance(text, str):
        what = "There is none" if text is _MISSING else f"Received: {reprlib.repr(text)}"
        raise InputError(f"a record needs a string as its `{field}`. {what}")
    _check_characters(text)
    return text


def labels_of(record: Mapping[str, Any], reading: Reading) -> tuple[str, ...]:
    """The labels of a record, each once; none if their field is empty.

    Raises:
        InputError: the field is missing, or holds something else.
    """
    field, value = _label_value(record, reading)
    if isinstance(value, str):
        value = _texts_in(value, reading.label_separator)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(dict.fromkeys(_label(item, field) for item in items))


def id_of(record: Mapping[str, Any]) -> str | int | None:
    """What the record is called, if it says so."""
    value = record.get(ID_FIELD)
    return value if isinstance(value, str) or type(value) is int else None


def label_field_of(record: Mapping[str, Any], reading: Reading) -> str:
    """The field that holds the labels, for messages.

    Raises:
        InputError: there is none.
    """
    return _label_value(record, reading)[0]


def value_of(record: Mapping[str, Any], field: str) -> Any:
    """The value of a field; a dot leads into an object. A marker if there is none."""
    if field in record or "." not in field:
        return record.get(field, _MISSING)
    found: Any = record
    for name in field.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return _MISSING
        found = found[name]
    return found


def has_field(record: Mapping[str, Any], field: str) -> bool:
    """Whether there is such a field; a dot leads into an object."""
    return value_of(record, field) is not _MISSING


def listed(names: Collection[str]) -> str:
    """The names of all fields, for messages."""
    shown = [reprlib.repr(name)[1:-1] for name in names][:_NAMES_SHOWN]
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f"Its fields are {', '.join(shown)}{more}" if shown else "It has no fields"


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses duplicate keys: Python would take the last one, other readers the first.

    Raises:
        InputError: a key is there twice.
    """
    record = dict(pairs)
    if len(record) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise InputError(f"the key {reprlib.repr(twice)} is there twice in one object: remove one")
    return record


def json_value(line: str, wrong: str) -> Any:
    """The JSON value in a line.

    Args:
        line: the line.
        wrong: what to say of one that is no JSON.

    Raises:
        InputError: it is none, or an object has a key twice.
    """
    try:
        return json.loads(line, object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{wrong}: {error}") from None


def json_object(line: str) -> dict[str, Any]:
    """The JSON object in a line of a file whose first line is one.

    Raises:
        InputError: it is no such object.
    """
    wrong = "not a JSON object, as the first line of this file is"
    record = json_value(line, wrong)
    if not isinstance(record, dict):
        raise InputError(wrong)
    return record


def list_in(cell: str) -> list[Any] | None:
    """The list that a cell of a table holds as JSON or, as pandas writes it, as Python has it."""
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list):
            return found
    return None


def _label_value(record: Mapping[str, Any], reading: Reading) -> tuple[str, Any]:
    name = reading.label_field
    names = [f"meta.{name}", name]
    if name == DEFAULT_LABEL_FIELD:
        names += LABEL_FIELDS
    for field in names:
        if (value := value_of(record, field)) is not _MISSING:
            return field, value
    wanted = ", ".join(f"`{field}`" for field in names)
    raise InputError(
        f"no labels: a labelled record needs {wanted}. {listed(record)}. Name the right one with "
        "--label_field=NAME"
    )


def _texts_in(value: str, separator: str) -> list[Any]:
    """The labels in one text, such as a cell of a table."""
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        found = list_in(value)
        if found is not None:
            return found
    parts = value.split(separator) if separator else [value]
    return [part for part in parts if part.strip()]


def _label(item: Any, field: str) -> str:
    if isinstance(item, bool) or not isinstance(item, str | int):
        whole = isinstance(item, float) and item.is_integer()
        number = int(item) if whole else 0
        advice = (
            f'. Write {number}, or "{number}": pandas makes 2.0 of 2 in a column with gaps; '
            "there, use astype('Int64')"
            if whole
            else ""
        )
        raise InputError(
            f"labels in `{field}` must be strings or whole numbers. "
            f"Received: {reprlib.repr(item)}{advice}"
        )
    # White space may be part of a name, but two spaces would make another label.
    label = " ".join(str(item).split())
    if not label:
        raise InputError(f"the label {item!r:.80} in `{field}` is empty")
    _check_characters(label)
    if problem := label_problem(label):
        raise InputError(problem)
    return label


def _check_characters(text: str) -> None:
    """Refuses what JSON can spell but UTF-8 text cannot hold: NUL, half of a surrogate pair."""
    if "\0" in text:
        raise InputError("\\u0000 is a NUL byte, which is no text: remove it")
    if not text.isascii() and (half := _SURROGATE.search(text)):
        raise InputError(
            f"\\u{ord(half.group()):04x} is half of a surrogate pair, which is no character: "
            "remove it"
        )
