"""Files that are whole or absent: read with limits, written beside their place and renamed.

Whatever is read whole may come from anywhere and takes many times its size as Python objects (a
list of empty lists takes 20 times), so every reader has a limit. Whatever is written appears under
its name only when all of it is on the disk.
"""

import glob
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from common.errors import InputError, UserError

AnyPath = str | os.PathLike[str]

MAX_BYTES = 32 << 20
MAX_LINES = 2_000_000

_UNFINISHED = ".tmp"
_RANDOM_BYTES = 8


@contextmanager
def whole_file(path: AnyPath) -> Iterator[BinaryIO]:
    """Opens a file that appears under its name when the block ends, or not at all.

    The bytes go to a temporary file in the same folder (a rename is atomic only within one file
    system), which then takes the place of `path`. So neither a reader nor a crash meets half of it.

        with whole_file("results.txt") as file:
            file.write(b"one line")

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: the file cannot be written. What was at `path` before is untouched.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        file = temporary.open("xb")
    except OSError as error:
        error.filename = str(path)  # The temporary name would tell the user nothing.
        raise
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: AnyPath, data: bytes) -> None:
    """Writes a file as `whole_file` does.

    Args:
        path: the file; its folder must exist.
        data: all of its content.

    Raises:
        OSError: the file cannot be written. What was at `path` before is untouched.
    """
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Makes a folder that appears under its name, filled, when the block ends, or not at all.

    Args:
        path: the folder; missing parents are made. It must be absent or empty, unless `replace`.
        replace: whether to replace a folder of that name.

    Yields:
        The folder beside `path` that is to be filled.

    Raises:
        OSError: the folder cannot be written. What was at `path` before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = _temporary(path)
    incoming.mkdir()
    try:
        yield incoming
        flush_to_disk(*incoming.rglob("*"), incoming)
        if replace and path.exists():
            _exchange(incoming, path)
        else:
            incoming.rename(path)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise


def remove_unfinished(path: Path) -> None:
    """Removes what a killed process left of a file or folder that was to become `path`.

    To be called only where no other process can be writing `path`.
    """
    digits = "[0-9a-f]" * 2 * _RANDOM_BYTES
    for leftover in path.parent.glob(f"{glob.escape(_hidden(path))}.{digits}{_UNFINISHED}"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def flush_to_disk(*paths: Path) -> None:
    """Waits until the content of files, and the names in folders, are on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
    """An object as the bytes of a JSON file that people can read."""
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def sha256(path: AnyPath) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(paths: Iterable[AnyPath]) -> list[str]:
    """SHA-256 of each file's bytes, in hexadecimal; their names and times do not count."""
    return [sha256(path) for path in paths]


def _temporary(path: Path) -> Path:
    return path.with_name(f"{_hidden(path)}.{secrets.token_hex(_RANDOM_BYTES)}{_UNFINISHED}")


def _hidden(path: Path) -> str:
    return f".{path.name.removeprefix('.')}"


def _exchange(incoming: Path, path: Path) -> None:
    old = path.with_name(f"{_hidden(path)}.{secrets.token_hex(_RANDOM_BYTES)}.old")
    path.rename(old)
    try:
        incoming.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
