"""Small files: written whole or not at all, read as UTF-8, never larger than is sensible."""

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from common.errors import InputError

# What is read whole may come from anywhere, and takes many times its size as Python's objects: a
# list of empty lists takes 20 times. With these bounds it stays below 1 GB.
MAX_BYTES = 32 << 20
MAX_LINES = 2_000_000


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


def open_at_once(path: str, flags: int) -> int:
    """An `opener` that doesn't wait, as a named pipe would make us, for someone to write to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_text(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> str:
    """Reads a UTF-8 file, without the byte order mark that some editors put before it.

    Raises:
        InputError: when it can't be read, is no regular file, is larger than `max_bytes` or is
            not UTF-8.
    """
    try:
        with open(path, "rb", opener=open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError("this file cannot be read: it is not a regular file", path)
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"this file cannot be read: {reason}", path) from None
    if len(data) > max_bytes:
        raise InputError(
            f"this file has more than {max_bytes:,} bytes, far more than a file of its kind: is "
            "it the right one?",
            path,
        )
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
    if text.count("\n") > MAX_LINES:
        raise InputError(
            f"this file has more than {MAX_LINES:,} lines, far more than a file of its kind: is "
            "it the right one?",
            path,
        )
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def read_json_object(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """The JSON object that a UTF-8 file holds.

    Args:
        path: the file.
        what: it should be, for errors, such as "a tokenizer".

    Raises:
        InputError: when it can't be read or holds no JSON object.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not {what}'s JSON file: {error}", path) from None
    if not isinstance(content, dict):
        raise InputError(f"not {what}'s JSON file: it holds no object", path)
    return content
