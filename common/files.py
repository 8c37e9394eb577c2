"""Reads files with limits, checks what they are, and hashes them.

Whatever is read whole may come from anywhere and takes many times its size as Python objects (a
list of empty lists takes 20 times), so every reader has a limit.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common.errors import InputError, UserError

AnyPath = str | os.PathLike[str]

MAX_BYTES = 32 << 20
MAX_LINES = 2_000_000


def is_plain_name(name: Any) -> bool:
    """Whether `name` names a file within a folder: no path, nothing that cannot be printed."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not {"/", "\\", "\0"} & set(name)
        and name.isprintable()
    )


def check_regular(path: Path, error: type[UserError] = InputError) -> os.stat_result:
    """Checks that a path is a regular file: no link, folder, pipe or device.

    Args:
        path: the file.
        error: the type of the error below.

    Returns:
        The file's status.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        UserError: of the type `error`: it is something else.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise error(
            "a symbolic link, which is not followed out of its folder; put the file itself there",
            path,
        )
    if not stat.S_ISREG(status.st_mode):
        raise error("not a regular file", path)
    return status


def open_at_once(path: str, flags: int) -> int:
    """An `opener` that does not wait for somebody to write to a named pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_text(
    path: AnyPath, max_bytes: int = MAX_BYTES, error: type[UserError] = InputError
) -> str:
    """Reads a UTF-8 file, without the byte order mark that some editors put before it.

    Args:
        path: the file.
        max_bytes: a larger file is refused before it is read.
        error: the type of the error below.

    Raises:
        UserError: of the type `error`: the file cannot be read, is not a regular file, is too
            large or is not UTF-8.
    """
    try:
        with open(path, "rb", opener=open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise error("this file cannot be read: it is not a regular file", path)
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as reason:
        what = getattr(reason, "strerror", None) or reason
        raise error(f"this file cannot be read: {what}", path) from None
    if len(data) > max_bytes:
        raise error(
            f"this file has more than {max_bytes:,} bytes, far more than a file of its kind: is "
            "it the right one?",
            path,
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = data.count(b"\n", 0, reason.start) + 1
        message = f"not UTF-8 at byte {reason.start}: save the file as UTF-8"
        raise error(message, path, line) from None


def read_lines(path: AnyPath) -> list[str]:
    """Reads the lines of a UTF-8 file, without their ends.

    Lines end at line feeds only: released vocabularies have tokens such as U+2028, where
    `str.splitlines` would end a line too.

    Raises:
        InputError: the file cannot be read (see `read_text`) or has too many lines.
    """
    text = read_text(path)
    if text.count("\n") > MAX_LINES:
        raise InputError(
            f"this file has more than {MAX_LINES:,} lines, far more than a file of its kind: is "
            "it the right one?",
            path,
        )
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def read_json(path: AnyPath, what: str, error: type[UserError] = InputError) -> dict[str, Any]:
    """Reads a UTF-8 file that holds a JSON object.

    Args:
        path: the file.
        what: the object that is expected, for errors, such as "a tokenizer".
        error: the type of the error below.

    Raises:
        UserError: of the type `error`: the file cannot be read (see `read_text`) or does not hold
            a JSON object.
    """
    text = read_text(path, error=error)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise error(f"{what} is expected here, but this is not JSON: {reason}", path) from None
    if not isinstance(content, dict):
        raise error(f"{what} is expected here, but this is not a JSON object", path)
    return content


def to_json(content: Any) -> bytes:
    """An object as the bytes of a JSON file that people can read.

    Names of files that are not UTF-8, which Python represents with halves of surrogate pairs, are
    written with JSON's escapes, so that they are the same when they are read.
    """
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    return text.encode(errors="backslashreplace")


def sha256(path: AnyPath) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[AnyPath]) -> list[str]:
    """SHA-256 of each file's bytes, in hexadecimal; their names and times do not count."""
    return [sha256(path) for path in paths]
