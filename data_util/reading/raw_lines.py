"""The lines of a data file as bytes, and their text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from common.errors import InputError
from data_util.reading.encodings import advice

# As Python objects, a line of JSON takes some 20 times its size.
MAX_LINE_BYTES = 16 << 20
LONGEST_READ = MAX_LINE_BYTES + 8  # with a byte order mark and a line end
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The first bytes of files that are often mistaken for text.
_NO_TEXT = {
    b"PK\x03\x04": "this is a zip file: unpack it, or (a spreadsheet) save it as CSV in UTF-8",
    b"\xff\xfe\0\0": "this file is UTF-32: read it with --encoding=utf-32",
    b"\xff\xfe": "this file is UTF-16: read it with --encoding=utf-16",
    b"\xfe\xff": "this file is UTF-16: read it with --encoding=utf-16",
    b"ARROW1": "this is an Arrow file: write it as Parquet, with `dataset.to_parquet(...)`",
    b"\xff\xff\xff\xff": "this is an Arrow file: write it as Parquet, with "
    "`dataset.to_parquet(...)`",
}


@dataclass(frozen=True, slots=True)
class RawLine:
    """The bytes of a line without its end.

    Attributes:
        number: of the line, from 1.
        offset: of its first byte in the file.
    """

    data: bytes
    number: int
    offset: int

    def decode(self, path: str) -> str:
        """Decodes the line.

        Raises:
            InputError: it is too long, is not UTF-8 or has a NUL byte.
        """
        if len(self.data) > MAX_LINE_BYTES:
            raise InputError(
                f"a line of more than {MAX_LINE_BYTES:,} bytes: one document per line is expected. "
                "Does the file have line feeds?",
                path,
                self.number,
            )
        try:
            text = self.data.decode()
        except UnicodeDecodeError as error:
            if self.number == 1 and (kind := _kind_of(self.data)):
                raise InputError(kind, path, self.number) from None
            raise InputError(
                f"not UTF-8: byte 0x{self.data[error.start]:02x} at offset {error.start} of the "
                f"line, {self.offset + error.start} of the file{advice(self.data)}",
                path,
                self.number,
            ) from None
        if "\0" in text:
            kind = _kind_of(self.data) if self.number == 1 else None
            raise InputError(
                kind
                or "a NUL byte: this is UTF-16 (then use --encoding=utf-16-le), or no text at all",
                path,
                self.number,
            )
        return text


def _kind_of(data: bytes) -> str | None:
    """What a file is by its first bytes, if it is not text."""
    return next((kind for start, kind in _NO_TEXT.items() if data.startswith(start)), None)


def raw_lines(stream: BinaryIO) -> Iterator[RawLine]:
    """Reads the lines of a binary stream; a line ends at a line feed and nowhere else.

    Of a line longer than `MAX_LINE_BYTES` only the beginning is given, long enough to show that it
    is too long: a file without line feeds may be larger than memory.
    """
    offset = number = 0
    while data := stream.readline(LONGEST_READ):
        number += 1
        begin = offset
        offset += len(data)
        if number == 1 and data.startswith(_BYTE_ORDER_MARK):
            begin += len(_BYTE_ORDER_MARK)
            data = data.removeprefix(_BYTE_ORDER_MARK)
        whole = data.endswith(b"\n") or offset - begin < LONGEST_READ
        yield RawLine(data.rstrip(b"\r\n") if whole else data, number, begin)
        while not whole:
            rest = stream.readline(LONGEST_READ)
            offset += len(rest)
            whole = rest.endswith(b"\n") or not rest
