"""What a line of a data file says: labelled text, free text or a CAIL2018 JSON record."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from data_util.errors import InputError

LABEL_FIELDS = ("accusation", "relevant_articles")

_MARK = "__label__"
_MARKED_WORD = re.compile(rf"[^\S\r\n]?{_MARK}\S*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_RIGHT_FORM = "the form is `text __label__A __label__B`, with a space before each label"


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line's bytes without its end.

    Attributes:
        number: of the line, from 1.
        offset: of its first byte in the file.
    """

    data: bytes
    number: int
    offset: int

    def decode(self, path: str) -> str:
        """Its text; an InputError where it isn't UTF-8."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8: byte 0x{self.data[error.start]:02x} at offset {error.start} of the "
                f"line, {self.offset + error.start} of the file. Save the file as UTF-8, for "
                "example with `iconv -f GB18030 -t UTF-8`",
                path,
                self.number,
            ) from None


def raw_lines(stream: Iterable[bytes]) -> Iterator[RawLine]:
    """The lines of a binary stream, which ends each at a line feed and nowhere else."""
    offset = 0
    for number, data in enumerate(stream, start=1):
        begin = offset
        offset += len(data)
        if number == 1 and data.startswith(_BYTE_ORDER_MARK):
            begin += len(_BYTE_ORDER_MARK)
            data = data.removeprefix(_BYTE_ORDER_MARK)
        yield RawLine(data.rstrip(b"\r\n"), number, begin)


class LineParser:
    """Takes text and labels out of the lines of one file.

    The first line that isn't blank decides what the file is: CAIL2018 JSON lines where it parses
    as a JSON object, plain text otherwise.

    Args:
        path: the file's name, for errors.
        labelled: labels are wanted. Otherwise they are dropped, wherever in a line they are.
        label_field: the one of `LABEL_FIELDS` that a JSON record's labels are taken from.

    Attributes:
        is_json: whether the file is CAIL2018 JSON lines; None before the first line with text.
        without_labels: records so far whose labels are null or an empty list, where labels are
            wanted. CAIL2018 as published has some; they count as blank lines.
    """

    def __init__(self, path: str, *, labelled: bool, label_field: str) -> None:
        if label_field not in LABEL_FIELDS:
            raise InputError(
                f"the label field must be one of {', '.join(LABEL_FIELDS)}. "
                f"Received: {label_field!r}"
            )
        self.is_json: bool | None = None
        self.without_labels = 0
        self._path = path
        self._labelled = labelled
        self._label_field = label_field

    def parse(self, line: str, number: int) -> tuple[str, tuple[str, ...]]:
        """A line's text, without white space around it, and its labels.

        Returns:
            "" and no labels for a blank line, and for a record that is left out. Where labels
            aren't wanted, the text may be empty in other lines too.

        Raises:
            InputError: naming path and line.
        """
        if not line or line.isspace():
            return "", ()
        try:
            if self.is_json is None:
                self.is_json = _is_json(line)
            if self.is_json:
                return self._parse_json(line)
            if self._labelled:
                return _parse_labelled(line)
            return _without_labels(line), ()
        except InputError as error:
            raise InputError(error.message, self._path, number) from None

    def _parse_json(self, line: str) -> tuple[str, tuple[str, ...]]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"not a JSON object, as the first line of this file is: {error}"
            ) from None
        if not isinstance(record, dict):
            raise InputError("not a JSON object, as the first line of this file is")
        fact = record.get("fact")
        if not isinstance(fact, str):
            raise InputError(
                "a CAIL2018 record needs a string as its `fact`. "
                + (f"Received: {fact!r:.80}" if "fact" in record else "There is none")
            )
        _check_surrogates(fact)
        text = _without_labels(fact)
        if not self._labelled:
            return text, ()
        if not text:
            raise InputError("a labelled record needs text: its `fact` is empty")
        meta = record.get("meta")
        if not isinstance(meta, dict) or self._label_field not in meta:
            raise InputError(
                f"a labelled CAIL2018 record needs labels in `meta.{self._label_field}`"
            )
        value = meta[self._label_field]
        if value is None or value == []:
            self.without_labels += 1
            return "", ()
        return text, _json_labels(value, self._label_field)


def _is_json(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError) as error:
        # Read as text, a whole file of records would be learned, braces and all.
        if '"fact"' in line:
            raise InputError(f"this looks like a CAIL2018 record but is no JSON: {error}") from None
        return False


def _json_labels(value: Any, field: str) -> tuple[str, ...]:
    labels = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise InputError(
                f"labels in `meta.{field}` must be strings or whole numbers. Received: {item!r:.80}"
            )
        label = str(item)
        if not label or len(label.split()) != 1 or label != label.strip():
            raise InputError(
                f"the label {label!r:.80} in `meta.{field}` is empty or has white space in it"
            )
        _check_surrogates(label)
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _parse_labelled(line: str) -> tuple[str, tuple[str, ...]]:
    words = line.split()
    first = len(words)
    end = len(line)
    while first and words[first - 1].startswith(_MARK):
        first -= 1
        end = line.rfind(words[first], 0, end)
    text = line[:end].strip()
    if _MARK in text:
        raise InputError(f"`{_MARK}` before the end of the text: {_RIGHT_FORM}")
    if first == len(words):
        raise InputError(f"a line without a label: {_RIGHT_FORM}")
    if not text:
        raise InputError(f"labels without a text: {_RIGHT_FORM}")
    labels = tuple(dict.fromkeys(word[len(_MARK) :] for word in words[first:]))
    if "" in labels:
        raise InputError(f"`{_MARK}` without a name: {_RIGHT_FORM}")
    return text, labels


def _without_labels(text: str) -> str:
    """Drops labels even where the space before them is missing: a model must never read them."""
    return (_MARKED_WORD.sub("", text) if _MARK in text else text).strip()


def _check_surrogates(text: str) -> None:
    """JSON can spell half of a surrogate pair, which is no character and can't be written."""
    if not text.isascii() and (half := _SURROGATE.search(text)):
        raise InputError(
            f"\\u{ord(half.group()):04x} is half of a surrogate pair, which is no character: "
            "remove it"
        )
