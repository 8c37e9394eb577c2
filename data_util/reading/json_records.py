"""JSON that is not one record per line: an array of records, or records over several lines."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading.encodings import advice
from data_util.reading.fields import TEXT_FIELDS, without_duplicates
from data_util.reading.raw_lines import MAX_LINE_BYTES
from data_util.reading.settings import Reading

_LEAST_READ = 1 << 16
_SPACE = re.compile(r"\s*")
_BEGINS_ARRAY_OF_ARRAYS = re.compile(r"\s*\[\s*\[\s*([\[\"{]|$)")
_BEGINS_ARRAY = re.compile(r'\s*\[\s*(\{\s*("|$)|$)')


def begins_records(line: str, arrays: bool = False) -> bool:
    """Whether a file with this first line is an array, or a record over several lines.

    >>> begins_records("["), begins_records("[{"), begins_records("{"), begins_records("[1] text")
    (True, True, True, False)

    Args:
        line: the first one with text.
        arrays: whether the elements of an array may be arrays.
    """
    if arrays and _BEGINS_ARRAY_OF_ARRAYS.match(line):
        return True
    return line.strip() == "{" or _BEGINS_ARRAY.match(line) is not None or _is_array(line)


def read_records(
    stream: BinaryIO, reading: Reading, line: int = 1, *, arrays: bool = False
) -> Iterator[tuple[int, Any]]:
    """Reads the records one after the other: the memory needed is that of one record.

    Args:
        stream: UTF-8, from the first bracket on.
        reading: names the field of an element that is a mere text.
        line: the number of the first line.
        arrays: whether elements may be arrays.

    Yields:
        The line where each record begins, and the record: a dict, or perhaps a list.

    Raises:
        InputError: this is not JSON, or an element is no record; with the line, without the path.
    """
    text = _Buffer(stream, line)
    array = text.skip("[")
    begins = ('{"[' if arrays else '{"') if array else "{"
    while (begin := text.peek()) and begin != "]":
        if begin not in begins:
            raise text.error("a JSON object is expected here")
        number = text.line
        value = text.value()
        if isinstance(value, str):
            value = {(*reading.text_field, TEXT_FIELDS[1])[0]: value}
        yield number, value
        if array and not text.skip(",") and text.peek() != "]":
            raise text.error("a comma or the end of the array is expected here")
    if array and not text.skip("]"):
        raise text.error("the JSON array does not end: is the file whole?")
    if text.peek():
        raise text.error("text after the end of the JSON array")


class _Buffer:
    """Text that was read and not yet used."""

    def __init__(self, stream: BinaryIO, line: int) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(object_pairs_hook=without_duplicates)
        self._text, self._at, self._ended = "", 0, False
        self.line = line

    def error(self, message: str, line: int | None = None) -> InputError:
        return InputError(message, None, line or self.line)

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            self._advance(_SPACE.match(self._text, self._at).end())  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, character: str) -> bool:
        """Whether this character is the next one, which is then used."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def value(self) -> Any:
        """The JSON value that begins here."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except InputError as error:
                raise self.error(error.message) from None
            except (ValueError, RecursionError) as error:
                size = len(self._text) - self._at
                wrong = self._not_json(error, size)
                # It may only be unfinished. Twice as much each time, so that all is linear.
                if size <= MAX_LINE_BYTES and self._more(size):
                    continue
                raise wrong from None
            self._advance(end)
            return value

    def _not_json(self, error: Exception, size: int) -> InputError:
        if isinstance(error, json.JSONDecodeError):
            line = self.line + self._text.count("\n", self._at, error.pos)
            return self.error(f"not JSON: {error.msg}", line)
        if size > MAX_LINE_BYTES:
            return self.error(f"a record of more than {MAX_LINE_BYTES:,} characters")
        return self.error(f"not JSON: {error}")

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self, least: int = 0) -> bool:
        """Reads more; False at the end."""
        pieces, wanted = [self._text[self._at :]], max(least, _LEAST_READ)
        while wanted > 0 and not self._ended:
            data = self._read(wanted)
            self._ended = not data
            try:
                pieces.append(self._decoder.decode(data, final=not data))
            except UnicodeDecodeError as error:
                line = self.line + sum(piece.count("\n") for piece in pieces)
                line += error.object.count(b"\n", 0, error.start)
                raise self.error(f"not UTF-8{advice(error.object)}", line) from None
            wanted -= len(data)
            if least == 0:
                break
        text = "".join(pieces)
        grown = len(text) > len(self._text) - self._at
        self._text, self._at = text, 0
        return grown or not self._ended


def _is_array(line: str) -> bool:
    """Whether a line is an array of texts or of records, or a part of one."""
    if not line.lstrip().startswith('["'):
        return False
    if line.rstrip().endswith(","):
        return True
    try:
        return isinstance(json.loads(line), list)
    except (ValueError, RecursionError):
        return False
