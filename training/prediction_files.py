"""What predict.py reads from and writes to: files, pipes, standard input and output."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from common.errors import InputError, StoppedError
from common.whole_files import whole_file
from data_util.reading.sources import check_paths
from training.runs.output_checks import check_output_file

STANDARD = "-"
PART = ".part"


@dataclass(frozen=True)
class Source:
    """An input that is open.

    Attributes:
        stream: its bytes.
        name: for messages.
        size: in bytes; None for a pipe, a terminal or a device, whose end is not known.
    """

    stream: BinaryIO
    name: str
    size: int | None

    @property
    def position(self) -> int:
        """How many bytes of a file have been read; 0 of what is no file."""
        return 0 if self.size is None else self.stream.tell()


def check_files(source: str, target: str) -> None:
    """Refuses what cannot be read or written, before a model is loaded.

    Raises:
        InputError: the input cannot be read.
        OptionError: the output is the input, or cannot be a file.
    """
    check_source(source)
    if target != STANDARD:
        check_output_file("output", target, source, allow_streams=True)


def check_source(path: str) -> None:
    """Refuses an input that `open_source` cannot open, before a model is loaded.

    Raises:
        InputError: it cannot be read.
    """
    if path != STANDARD and not _is_stream(path):
        check_paths([path])


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Opens the input: standard input, a file, a named pipe or a device such as /dev/stdin.

    It is not closed if it is no file: the thread that reads it may be waiting for the next line.
    """
    if path == STANDARD:
        stream, name = _standard_input(), "standard input"
    elif _is_stream(path):
        stream, name = open(path, "rb"), path  # noqa: SIM115
    else:
        with open(path, "rb") as file:
            yield Source(file, path, os.fstat(file.fileno()).st_size)
        return
    yield Source(stream, name, _size_of(stream))


@contextmanager
def open_target(path: str) -> Iterator[BinaryIO]:
    """Opens the output: standard output, a pipe, a device, or a file that is whole or absent.

    If the block ends with a wrong line of the input, or because it was stopped, what was written to
    the file until then is kept beside it, with the end `.part`.
    """
    if path == STANDARD:
        yield sys.stdout.buffer
    elif os.path.exists(path) and not os.path.isfile(path):
        # To rename a file to the name of a pipe or a device would put the file in its place.
        with open(path, "wb") as file:
            yield file
    else:
        with whole_file(path) as file:
            try:
                yield file
            except (InputError, StoppedError, KeyboardInterrupt):
                file.flush()
                if os.path.getsize(file.name):
                    with open(file.name, "rb") as done, whole_file(path + PART) as kept:
                        shutil.copyfileobj(done, kept)
                raise


def place_of_part(path: str) -> str:
    """Where the results are that `open_target` keeps."""
    is_file = path != STANDARD and (os.path.isfile(path) or not os.path.exists(path))
    return path + PART if is_file else "the output"


def _is_stream(path: str) -> bool:
    """Whether a path can be read only once, and perhaps slowly."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _standard_input() -> BinaryIO:
    """Standard input with a buffer of its own.

    A thread that waits for a line holds the lock of the buffer, and Python needs the lock of
    `sys.stdin` when it exits.
    """
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError):  # A test or a notebook has put something else in its place.
        return sys.stdin.buffer


def _size_of(stream: BinaryIO) -> int | None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
