"""Writes files and folders that are whole or absent: beside their place, then renamed.

Whatever is written appears under its name only when all of it is on the disk. What a killed process
left of it is removed when the same file or folder is written again.
"""

import ctypes
import errno
import glob
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor

from common.errors import UserError
from common.files import AnyPath

_UNFINISHED, _OLD = ".tmp", ".old"
_RANDOM_BYTES = 8
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
# Of renameat2(2).
_CURRENT_FOLDER, _EXCHANGE = -100, 2


@contextmanager
def whole_file(path: AnyPath) -> Iterator[BinaryIO]:
    """Opens a file that appears under its name when the block ends, or not at all.

    The bytes go to a temporary file in the same folder (a rename is atomic only within one file
    system), which then takes the place of `path`, with the permissions of the file that was there.
    So neither a reader nor a crash meets half of it.

        with whole_file("results.txt") as file:
            file.write(b"one line")

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: the file cannot be written; it names the file. What was at `path` before is
            untouched.
    """
    path = Path(path)
    with _naming(path):
        remove_unfinished(path, only_abandoned=True)
        temporary, file = _create(path)
        try:
            renamed = False
            with file:
                _take_permissions(path, file)
                yield file
                file.flush()
                os.fsync(file.fileno())
                # Windows renames no open file. Elsewhere it stays locked until it has its name.
                with suppress(PermissionError):
                    os.replace(temporary, path)
                    renamed = True
            if not renamed:
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
        OSError: the file cannot be written; it names the file. What was at `path` before is
            untouched.
    """
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Makes a folder that appears under its name, filled, when the block ends, or not at all.

    Args:
        path: the folder; missing parents are made. It must be absent or empty, unless `replace`.
        replace: whether to replace a folder of that name. Where the system can, both exchange
            their names at once, so that there is always one of them.

    Yields:
        The folder beside `path` that is to be filled.

    Raises:
        OSError: the folder cannot be written; it names the folder. What was at `path` before is
            untouched.
    """
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _restore(path)
        remove_unfinished(path, only_abandoned=True)
        incoming = _temporary(path)
        incoming.mkdir()
        lock = _open_folder(incoming)
        if lock is not None:
            _lock(lock)
        try:
            yield incoming
            flush_to_disk(*incoming.rglob("*"), incoming)
            if replace and path.exists():
                _exchange(incoming, path)
            else:
                with suppress(FileNotFoundError):
                    path.rmdir()  # An empty folder, whose name Windows would not give away.
                incoming.rename(path)
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise
        finally:
            if lock is not None:
                os.close(lock)


def remove_unfinished(path: Path, *, only_abandoned: bool = False) -> None:
    """Removes what a killed process left of a file or folder that was to become `path`.

    Args:
        path: the file or folder.
        only_abandoned: whether another process may be writing `path` now; what it is writing, and
            where the file system has no locks everything, is kept then.
    """
    for leftover in _leftovers(path, _UNFINISHED):
        if only_abandoned and not _is_abandoned(leftover):
            continue
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def flush_to_disk(*paths: Path) -> None:
    """Waits until the content of files, and the names in folders, are on the disk.

    Args:
        paths: files that this process may write, and folders.
    """
    for path in paths:
        # For writing, without which Windows flushes nothing.
        descriptor = _open_folder(path) if path.is_dir() else os.open(path, os.O_RDWR)
        if descriptor is None:
            continue
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Names `path` in errors of the disk, which the system does not do when it writes.

    Libraries that are written in C++ raise errors of their own, whose messages end with the
    system's reason.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _DISK_ERRORS:
            error.filename = str(path)
        raise
    except UserError:
        raise
    except Exception as error:
        for number in _DISK_ERRORS:
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number), str(path)) from error
        raise


def _open_folder(path: Path) -> int | None:
    """The descriptor of a folder, or None on Windows, which opens files alone."""
    try:
        return os.open(path, os.O_RDONLY)
    except PermissionError:
        return None


def _create(path: Path) -> tuple[Path, BinaryIO]:
    """Creates a temporary file for `path` and locks it."""
    while True:
        temporary = _temporary(path)
        try:
            file = temporary.open("xb")
        except OSError as error:
            error.filename = str(path)  # The temporary name would tell the user nothing.
            raise
        _lock(file.fileno())
        if temporary.exists():
            return temporary, file
        file.close()  # Another process took it for abandoned before it was locked.


def _take_permissions(path: Path, file: BinaryIO) -> None:
    with suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))


def _lock(descriptor: int) -> None:
    """Marks a file or folder as being written, until it is closed or this process ends."""
    with suppress(OSError):  # Not every file system has locks.
        lock_descriptor(descriptor, blocking=False)


def _is_abandoned(leftover: Path) -> bool:
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(leftover, os.O_RDONLY | flags)
    except OSError:
        return False
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _leftovers(path: Path, end: str) -> list[Path]:
    digits = "[0-9a-f]" * 2 * _RANDOM_BYTES
    return sorted(path.parent.glob(f"{glob.escape(_hidden(path))}.{digits}{end}"))


def _temporary(path: Path, end: str = _UNFINISHED) -> Path:
    return path.with_name(f"{_hidden(path)}.{secrets.token_hex(_RANDOM_BYTES)}{end}")


def _hidden(path: Path) -> str:
    return f".{path.name.removeprefix('.')}"


def _exchange(incoming: Path, path: Path) -> None:
    """Gives a folder the name of another one, which is removed."""
    if _exchange_names(incoming, path):
        shutil.rmtree(incoming, ignore_errors=True)
        return
    old = _temporary(path, _OLD)
    path.rename(old)
    try:
        incoming.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange_names(one: Path, other: Path) -> bool:
    """Exchanges the names of two folders at once; false where the system cannot."""
    try:
        rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    except (OSError, TypeError):  # Windows.
        return False
    names = (os.fsencode(one), os.fsencode(other))
    if rename is None:
        return False
    if not rename(_CURRENT_FOLDER, names[0], _CURRENT_FOLDER, names[1], _EXCHANGE):
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _restore(path: Path) -> None:
    """Gives back its name to a folder whose replacement was killed between two renames."""
    for old in _leftovers(path, _OLD):
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(path)
