"""The bytes of data files: compressed files are unpacked while they are read."""

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading.raw_lines import LONGEST_READ

ENDINGS = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}
_FIRST_BYTES = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
}
_LONGEST_MARK = max(map(len, _FIRST_BYTES))


def unpacked(stream: BinaryIO) -> tuple[BinaryIO, str | None]:
    """The content of a stream, and with what it is compressed, by its first bytes.

    Args:
        stream: such as standard input, which cannot be rewound.

    Returns:
        A stream of the same bytes, or of those that were compressed; "gzip", ..., or None.
        Reading it raises an `InputError` if it is damaged.

    Raises:
        InputError: a package that it needs is not installed.
    """
    begin, stream = _peeked(stream)
    for first, kind in _FIRST_BYTES.items():
        if begin.startswith(first):
            opened = _Unpacked(_opened(stream, kind), kind)
            return io.BufferedReader(opened), kind  # type: ignore[return-value]
    return stream, None


def _peeked(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and a stream that still has them."""
    if hasattr(stream, "peek"):
        return stream.peek(_LONGEST_MARK), stream
    if stream.seekable():
        begin = stream.read(_LONGEST_MARK)
        stream.seek(-len(begin), io.SEEK_CUR)
        return begin, stream
    begin = stream.readline(LONGEST_READ)
    return begin, preceded(begin, stream)


def begins_with(stream: BinaryIO, mark: bytes) -> bool:
    """Whether these are the first bytes of a stream that `unpacked` gave."""
    if hasattr(stream, "peek"):
        return stream.peek(len(mark)).startswith(mark)
    begin = stream.read(len(mark))
    stream.seek(-len(begin), io.SEEK_CUR)
    return begin == mark


def preceded(begin: bytes, stream: BinaryIO) -> BinaryIO:
    """A stream of some bytes that were already read, and then the rest of it."""
    if not begin:
        return stream
    return io.BufferedReader(_Preceded(begin, stream))  # type: ignore[return-value]


def _opened(stream: BinaryIO, kind: str) -> Any:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if kind == "xz":
        return lzma.LZMAFile(stream)
    if kind == "bzip2":
        return bz2.BZ2File(stream)
    try:
        from compression import zstd  # type: ignore[import-not-found]  # From Python 3.14 on.

        return zstd.ZstdFile(stream)
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError:
        raise InputError(
            "this is a zstd file, which needs a package: pip install zstandard, or unpack it "
            "first, with `unzstd`"
        ) from None
    return _Zstd(stream, zstandard)


class _Zstd:
    """Frames of zstd, one after the other. The package's own reader ends quietly within a frame."""

    _READ = 1 << 10  # A few bytes may stand for 128 kB of zeros.

    def __init__(self, stream: BinaryIO, package: Any) -> None:
        self._stream, self._package = stream, package
        self._frame: Any = None
        self._packed = self._ready = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._ready:
            packed = self._packed or self._stream.read(self._READ)
            if not packed and self._frame is not None:
                raise EOFError("it ends within a frame")
            if not packed:
                return b""
            frame = self._frame or self._package.ZstdDecompressor().decompressobj()
            self._ready = frame.decompress(packed)
            self._packed = frame.unused_data if frame.eof else b""
            self._frame = None if frame.eof else frame
        found, self._ready = self._ready[:size], self._ready[size:]
        return found


class _Unpacked(io.RawIOBase):
    """Names the damage of a compressed file, whatever its library raises."""

    def __init__(self, stream: Any, kind: str) -> None:
        self._stream, self._kind = stream, kind
        self._read = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except InputError:
            raise
        except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise self._damaged(error) from None
        except Exception as error:
            # zstandard's own error is no OSError; the package need not be there.
            if type(error).__name__ != "ZstdError":
                raise
            raise self._damaged(error) from None
        buffer[: len(data)] = data
        return len(data)

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"this {self._kind} file is damaged or not whole ({error}): write or download it again"
        )


class _Preceded(io.RawIOBase):
    def __init__(self, begin: bytes, stream: BinaryIO) -> None:
        self._begin, self._stream = begin, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._begin:
            data, self._begin = self._begin[: len(buffer)], self._begin[len(buffer) :]
        else:
            # As much as is there, and no more than a line: an answer to a line must not wait for
            # the next one.
            data = self._stream.readline(min(len(buffer), LONGEST_READ))
        buffer[: len(data)] = data
        return len(data)
