"""The lines of a data file as bytes, and their text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from common.errors import InputError

# As Python objects, a line of JSON takes some 20 times its size.
MAX_LINE_BYTES = 16 << 20
_LONGEST_READ = MAX_LINE_BYTES + 8  # with a byte order mark and a line end
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The first bytes of files that are often mistaken for text.
_NO_TEXT = {
    b"\x1f\x8b": "this is a gzip file: unpack it first, with `gunzip`",
    b"BZh": "this is a bzip2 file: unpack it first, with `bunzip2`",
    b"\xfd7zXZ\0": "this is an xz file: unpack it first, with `unxz`",
    b"\x28\xb5\x2f\xfd": "this is a zstd file: unpack it first, with `unzstd`",
    b"PK\x03\x04": "this is a zip file (or a spreadsheet): unpack it, or save it as text",
    b"\xff\xfe\0\0": "this file is UTF-32: save it as UTF-8, with `iconv -f UTF-32 -t UTF-8`",
    b"\xff\xfe": "this file is UTF-16: save it as UTF-8, with `iconv -f UTF-16 -t UTF-8`",
    b"\xfe\xff": "this file is UTF-16: save it as UTF-8, with `iconv -f UTF-16 -t UTF-8`",
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
                f"line, {self.offset + error.start} of the file. Save the file as UTF-8, for "
                "example with `iconv -f GB18030 -t UTF-8`",
                path,
                self.number,
            ) from None
        if "\0" in text:
            kind = _kind_of(self.data) if self.number == 1 else None
            raise InputError(
                kind
                or "a NUL byte: this is UTF-16 (then use `iconv -f UTF-16LE -t UTF-8`), or no "
                "text at all",
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
    while data := stream.readline(_LONGEST_READ):
        number += 1
        begin = offset
        offset += len(data)
        if number == 1 and data.startswith(_BYTE_ORDER_MARK):
            begin += len(_BYTE_ORDER_MARK)
            data = data.removeprefix(_BYTE_ORDER_MARK)
        whole = data.endswith(b"\n") or offset - begin < _LONGEST_READ
        yield RawLine(data.rstrip(b"\r\n") if whole else data, number, begin)
        while not whole:
            rest = stream.readline(_LONGEST_READ)
            offset += len(rest)
            whole = rest.endswith(b"\n") or not rest
