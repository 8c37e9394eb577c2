"""Small files: written whole or not at all, read as UTF-8."""

import os
import secrets
from pathlib import Path

from data_util.errors import InputError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file so that a reader, or a crash, never meets half of it.

    The bytes go to a temporary file in the same folder (a rename is atomic only within one file
    system), which then takes the place of `path`.

    Args:
        path: the file; its folder must exist.
        data: all of its content.

    Raises:
        OSError: when it can't be written. What was at `path` before is untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_text(path: str | os.PathLike[str]) -> str:
    """Reads a UTF-8 file, without the byte order mark that some editors put before it.

    Raises:
        InputError: when it can't be read or is not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"this file cannot be read: {error.strerror or error}", path) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"not UTF-8 at byte {error.start}: save the file as UTF-8", path, line
        ) from None


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a UTF-8 file, without their ends.

    They end at line feeds only: released vocabularies have tokens such as U+2028, where
    `str.splitlines` would end a line too.
    """
    text = read_text(path)
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
