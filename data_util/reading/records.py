"""What a data file is, by its first line and its name, and its lines or records one by one."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading import json_records, streams, tables
from data_util.reading.encodings import recoded
from data_util.reading.raw_lines import MAX_LINE_BYTES, RawLine, raw_lines
from data_util.reading.settings import Reading

# Changed when the same bytes are read in another way, so that a cache is made again.
_VERSION = 2
_HEAD_BYTES = 1 << 10
# A line, a record (an array if the form allows it), or what is wrong with it.
Item = str | dict[str, Any] | InputError


@dataclass(frozen=True, slots=True)
class Form:
    """What the records of a task look like that are no texts with labels.

    Attributes:
        columns: for each kind of table its columns, of which a header must have all.
        arrays: whether an element of a JSON array may itself be an array.
    """

    columns: tuple[tuple[str, ...], ...] = ()
    arrays: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, each once."""
        return tuple(dict.fromkeys(name for kind in self.columns for name in kind))


DEFAULT_FORM = Form()


class Records:
    """The lines or records of a stream, with the number of the line where each begins.

    This is the list of formats. The first bytes decide whether the stream is compressed or
    Parquet; then the first line that is not blank decides: the header of a table (for files that
    are named .csv or .tsv it always is one), an array of JSON records or a record over several
    lines, or else lines, each of which is plain text or a JSON record
    (`data_util.reading.line_format`).

        >>> records = Records(io.BytesIO(b"text,label\\nlate,shipping\\n"), "train.csv", Reading())
        >>> list(records), records.kind
        ([(2, {'text': 'late', 'label': 'shipping'})], 'a table (CSV)')

    Args:
        stream: never read further than the records that are consumed, but for blocks of arrays, of
            Parquet, and of what is compressed.
        name: of the stream; for errors, and for its ending.
        reading: how to read.
        form: what the records look like.

    Attributes:
        kind: what the stream was taken for; "" before its first line with text, or for lines.
        compression: "gzip", ..., or None.
    """

    def __init__(
        self, stream: BinaryIO, name: str, reading: Reading, form: Form = DEFAULT_FORM
    ) -> None:
        self.kind = ""
        self.compression: str | None = None
        self._stream, self._name, self._reading, self._form = stream, name, reading, form
        self._line = 0

    def __iter__(self) -> Iterator[tuple[int, Item]]:
        """Yields an empty string for a blank line.

        Raises:
            InputError: the rest of the stream cannot be read; the message names the line.
        """
        try:
            yield from self._records()
        except InputError as error:
            # Only what stops the reading is raised here, by what knows neither path nor line.
            raise InputError(error.message, self._name, error.line or self._line + 1) from None

    def _records(self) -> Iterator[tuple[int, Item]]:
        stream, self.compression = streams.unpacked(self._stream)
        if streams.begins_with(stream, tables.PARQUET):
            self.kind = "a table (Parquet)"
            whole = stream if stream.seekable() else io.BytesIO(stream.read())
            for number, row in enumerate(tables.read_parquet(whole), start=1):
                self._line = number
                yield number, row
            return
        stream = recoded(stream, self._reading.encoding)
        lines = raw_lines(stream)
        for raw in lines:
            item = self._decoded(raw)
            if len(raw.data) > MAX_LINE_BYTES:
                # A file without line feeds is one long line, of which only the beginning was read.
                item = raw.data[:_HEAD_BYTES].decode(errors="ignore")
                if not json_records.begins_records(item, self._form.arrays):
                    break
            if isinstance(item, InputError):
                break
            if item and not item.isspace():
                if json_records.begins_records(item, self._form.arrays):
                    yield from self._json(raw, stream)
                    return
                self._line -= 1  # What is wrong with a header is wrong in its line.
                ending = ending_of(self._name)
                if delimiter := tables.delimiter_of(
                    item, ending, self._reading, self._form.columns
                ):
                    yield from self._table(item, delimiter, lines)
                    return
                break
            yield raw.number, ""
        else:
            return
        for line in chain([raw], lines):
            yield line.number, self._decoded(line)

    def _json(self, first: RawLine, stream: BinaryIO) -> Iterator[tuple[int, Item]]:
        self.kind = "a JSON array" if first.data.lstrip()[:1] == b"[" else "JSON records"
        end = b"\n" if len(first.data) <= MAX_LINE_BYTES else b""
        whole = streams.preceded(first.data + end, stream)
        records = json_records.read_records(
            whole, self._reading, first.number, arrays=self._form.arrays
        )
        for number, record in records:
            self._line = number
            yield number, record

    def _table(
        self, header: str, delimiter: str, lines: Iterator[RawLine]
    ) -> Iterator[tuple[int, Item]]:
        self.kind = f"a table ({'TSV' if delimiter == chr(9) else 'CSV'})"
        decoded = ((raw.number, self._decoded(raw)) for raw in lines)
        names = self._form.names
        for number, row in tables.read_table(decoded, header, delimiter, self._reading, names):
            if isinstance(row, InputError):
                row = InputError(row.message, self._name, number)
            yield number, row or ""

    def _decoded(self, raw: RawLine) -> str | InputError:
        self._line = raw.number
        try:
            return raw.decode(self._name)
        except InputError as error:
            return error


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, without that of its compression."""
    path = PurePath(name.lower())
    return PurePath(path.stem).suffix if path.suffix in streams.ENDINGS else path.suffix


def described(files: Sequence[Path], reading: Reading) -> dict[str, Any]:
    """What documents depend on beside the bytes of the files, for the fingerprint of a cache."""
    found: dict[str, Any] = {"version": _VERSION, **reading.to_dict()}
    # A name matters only where its ending decides the format.
    endings = [ending_of(file.name) for file in files]
    if any(ending in tables.ENDINGS for ending in endings):
        found["endings"] = endings
    return found
