"""Files of questions: SQuAD and CMRC as published, JSON lines, JSON arrays, tables."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading import streams, tables
from data_util.reading.encodings import advice, recoded
from data_util.reading.fields import json_value, without_duplicates
from data_util.reading.raw_lines import LONGEST_READ
from data_util.reading.records import Records
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import data_files
from tasks.question_answering.records import (
    CONTEXT_FIELDS,
    QUESTION_FIELDS,
    Question,
    flat_records,
    parse_question,
)

# The text, and what is parsed of it, are in memory at once.
MAX_SQUAD_BYTES = 1 << 30
# The keys before "data" have no objects in them.
_BEGINS_SQUAD = re.compile(
    rb'\s*\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\w.+-]+)\s*,\s*)*"data"\s*:\s*\['
)
_HEAD_LINES, _HEAD_BYTES = 20, 1 << 12
_SPACE = re.compile(r"\s*")

# A line, and its question; None for a blank one, or what is wrong with it.
Found = tuple[int, Question | InputError | None]


def read_questions(
    paths: Sequence[str],
    reading: Reading = DEFAULT_READING,
    *,
    labelled: bool = True,
    max_questions: int | None = None,
) -> Iterator[Question]:
    """Reads questions one by one.

    Args:
        paths: files, folders or patterns.
        reading: how to read them.
        labelled: whether answers are wanted.
        max_questions: the most questions to read, of all files together.

    Raises:
        InputError: a file cannot be read, has a wrong record, or has no question.
    """
    return islice(_questions(paths, reading, labelled), max_questions)


def _questions(paths: Sequence[str], reading: Reading, labelled: bool) -> Iterator[Question]:
    for path in data_files(paths):
        number = 0
        with open(path, "rb") as stream:
            for _, found in read_stream(stream, str(path), reading, labelled=labelled):
                if isinstance(found, InputError):
                    raise found
                if found is not None:
                    number += 1
                    yield found
        if not number:
            raise InputError("there is no question in this file", path)


def read_stream(
    stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING, *, labelled: bool
) -> Iterator[Found]:
    """Reads the questions of a stream, which is never read further than those that are consumed.

    But a file of SQuAD's form is one JSON object, and is read as a whole.

    Raises:
        InputError: the rest of the stream cannot be used.
    """
    for line, item in _items(stream, name, reading):
        if isinstance(item, InputError) or (isinstance(item, str) and not item.strip()):
            yield line, item if isinstance(item, InputError) else None
            continue
        try:
            for record in flat_records(_parsed(item) if isinstance(item, str) else item):
                try:
                    yield line, parse_question(record, reading, name, line, labelled=labelled)
                except InputError as error:
                    yield line, error
        except InputError as error:
            yield line, InputError(error.message, name, line)


def _items(stream: BinaryIO, name: str, reading: Reading) -> Iterator[tuple[int, Any]]:
    """Lines, or records, or the articles of a file of SQuAD's form."""
    fields = reading.text_field or (QUESTION_FIELDS[0], CONTEXT_FIELDS[0])
    reading = reading.replace(text_field=fields, pairs=None)
    try:
        stream, _ = streams.unpacked(stream)
        if not streams.begins_with(stream, tables.PARQUET):
            stream = recoded(stream, reading.encoding)
            reading = reading.replace(encoding="utf-8")
            head = _head(stream)
            stream = streams.preceded(head, stream)
            if _BEGINS_SQUAD.match(head.removeprefix(b"\xef\xbb\xbf")):
                yield from _articles(stream)
                return
    except InputError as error:
        raise InputError(error.message, name, error.line or 1) from None
    yield from Records(stream, name, reading)


def _head(stream: BinaryIO) -> bytes:
    """The first lines of what may be one JSON object, otherwise the first line."""
    head = b""
    for _ in range(_HEAD_LINES):
        line = stream.readline(LONGEST_READ)
        head += line
        opened = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"")
        if not line or not opened or len(head) > _HEAD_BYTES or b'"data"' in head:
            break
        if line.rstrip().endswith(b"}"):
            break  # A record on one line: what follows it need not be there yet.
    if head.rstrip().endswith(b":"):  # The bracket may stand on the next line.
        head += stream.readline(LONGEST_READ)
    return head


def _articles(stream: BinaryIO) -> Iterator[tuple[int, Any]]:
    """The entries of "data", each with the line where it begins."""
    data = stream.read(MAX_SQUAD_BYTES + 1)
    if len(data) > MAX_SQUAD_BYTES:
        raise InputError(
            f"one JSON object of more than {MAX_SQUAD_BYTES >> 20:,} MB: write its questions as "
            "JSON lines"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[error.start : error.start + 200]
        raise InputError(f"not UTF-8{advice(bad)}", None, line) from None
    del data
    decoder = json.JSONDecoder(object_pairs_hook=without_duplicates)
    line, counted = 1, 0

    def fail(message: str, at: int) -> InputError:
        return InputError(message, None, line + text.count("\n", counted, at))

    def skip(at: int) -> int:
        return _SPACE.match(text, at).end()  # type: ignore[union-attr]

    def expect(at: int, characters: str) -> int:
        at = skip(at)
        if at >= len(text) or text[at] not in characters:
            raise fail(f"not JSON: one of {' '.join(characters)} is expected here", at)
        return at

    def value(at: int) -> tuple[Any, int]:
        try:
            return decoder.raw_decode(text, skip(at))
        except json.JSONDecodeError as error:
            raise fail(f"not JSON: {error.msg}: is the file whole?", error.pos) from None
        except RecursionError:
            raise fail("not JSON that can be read: it is nested too deeply", at) from None
        except InputError as error:
            raise fail(error.message, at) from None

    at = expect(0, "{") + 1
    while True:
        key, at = value(expect(at, '"'))
        at = expect(at, ":") + 1
        if key == "data":
            at = expect(at, "[") + 1
            while text[skip(at) : skip(at) + 1] != "]":
                start = skip(at)
                line, counted = line + text.count("\n", counted, start), start
                article, at = value(start)
                yield line, article
                at = expect(at, ",]")
                at += text[at] == ","
            at = skip(at) + 1
        else:
            _, at = value(at)
        at = expect(at, ",}")
        if text[at] == "}":
            break
        at += 1
    if skip(at + 1) < len(text):
        raise fail("text after the end of the JSON object", at + 1)


def _parsed(line: str) -> Any:
    wrong = 'a line must be a JSON object such as {"question": "...", "context": "..."}'
    return json_value(line, wrong)
