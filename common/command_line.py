"""How every command runs: it reads options, logs, and reports a user's error in one line."""

import errno
import io
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TextIO

from common.errors import StoppedError, UserError
from common.options import Options, as_text, declarations
from common.parsing import OptionsT, help_text, parse_options


def run(
    main: Callable[[OptionsT], object],
    options_class: type[OptionsT],
    description: str,
    prepare: Callable[[OptionsT, frozenset[str]], OptionsT] | None = None,
) -> None:
    """Runs `main` with the options of the command line.

    The exit status is 0 at the end of `main` and after `--help`, or what `main` passes to
    `sys.exit`; 2 for a `UserError` and for an error of the operating system (one line on standard
    error says what went wrong); 130 after Ctrl-C, 143 after SIGTERM. If the reader of standard
    output is gone (`... | head`), the command ends silently with status 0.

    Args:
        main: what the command does.
        options_class: its options.
        description: what the command is for, for `--help`.
        prepare: turns the parsed options, and the names of those that were given, into the options
            for `main`.
    """
    start_log()
    with exit_on_user_error():
        if {"--help", "-h"} & set(sys.argv[1:]):
            print(help_text(options_class, command(), description, sys.argv[1:]))
            return
        options, given = parse_options(options_class, sys.argv[1:])
        main(options if prepare is None else prepare(options, given))


class _PrintableFormatter(logging.Formatter):
    """Messages as they are, but for what they could do to a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def start_log() -> None:
    """Sends the log to standard error, as plain messages."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns errors within the block into the exit status and the line that `run` describes."""
    closed = _replace_closed_streams()
    before = signal.signal(signal.SIGTERM, _stop)
    stdout = sys.stdout
    sys.stdout = _noticing_a_reader_that_leaves(stdout)
    try:
        yield
        sys.stdout.flush()  # Here, so that a failure is handled like any other.
    except KeyboardInterrupt:
        _exit(130, "stopped.")
    except StoppedError as stopped:
        _exit(stopped.status, str(stopped))
    except UserError as error:
        _exit(2, f"error: {error}")
    except _ReaderHasLeftError:
        pass  # A broken pipe elsewhere, between processes perhaps, is an error.
    except OSError as error:
        _exit(2, f"error: {_os_error_text(error, closed)}")
    finally:
        signal.signal(signal.SIGTERM, before)
        for stream in (sys.stdout, sys.stderr):
            _discard_unwritable(stream)
        sys.stdout = stdout


def _stop(number: int, frame: FrameType | None) -> None:
    """Raises, as Ctrl-C does, so that half-written files are removed on the way out."""
    raise StoppedError(number)


def _exit(status: int, message: str) -> NoReturn:
    with suppress(OSError):
        print(printable(message), file=sys.stderr)
    sys.exit(status)


def printable(text: str) -> str:
    r"""Escapes what a file or a name could do to a terminal, such as to move its cursor.

    >>> printable("label\x1b[2J")
    'label\\x1b[2J'
    """
    return "".join(
        char if char.isprintable() or char in "\n\t\u3000" else ascii(char)[1:-1] for char in text
    )


def command_of(options: Options) -> str:
    """The command line that gives these options; those that have their defaults are left out.

    `--overwrite` is left out, too: a run that resumes is the same one without it.
    """
    values, known = options.to_dict(), declarations(type(options))
    given = [
        f"--{name}={as_text(value)}"
        for name, value in values.items()
        if value != known[name].default and name != "overwrite"
    ]
    return " ".join([command(), *map(shlex.quote, given)])


def command() -> str:
    """How the program was started: `python predict.py`, `python -m MODULE`, `bert-serve`."""
    specification = getattr(sys.modules["__main__"], "__spec__", None)
    if specification is not None:
        return f"python -m {specification.name.removesuffix('.__main__')}"
    program = os.path.basename(sys.argv[0])
    return f"python {program}" if program.endswith(".py") else program


def _replace_closed_streams() -> list[str]:
    """Opens the standard streams that the caller has closed (`command >&-`).

    Otherwise the next file that is opened, a checkpoint perhaps, would get the descriptor of the
    closed stream, and whatever a library writes to "standard output" would go into it. Reading from
    the new standard input and writing to the new standard output fail; messages to standard error
    are dropped.

    Returns:
        The names of the streams that were closed.
    """
    closed = []
    modes = (os.O_WRONLY, os.O_RDONLY, os.O_RDWR)
    for number, (name, mode) in enumerate(zip(("stdin", "stdout", "stderr"), modes, strict=True)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free descriptor: this one.
            os.set_inheritable(os.open(os.devnull, mode), True)
            stream = open(number, "r" if number == 0 else "w", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            closed.append(name)
    return closed


class _ReaderHasLeftError(BrokenPipeError):
    """Nobody reads standard output any more."""


class _StandardOutput(io.FileIO):
    """A descriptor whose errors can be told from those of other files."""

    def write(self, data: Any) -> int:
        """See `io.RawIOBase.write`."""
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise _ReaderHasLeftError(*error.args) from None
        except OSError as error:
            error.filename = "stdout"
            raise


def _noticing_a_reader_that_leaves(stream: TextIO) -> TextIO:
    """Standard output that raises `_ReaderHasLeftError` where nobody reads it."""
    try:
        stream.flush()
        number = stream.fileno()
    except (OSError, ValueError):  # A test or a notebook has put something else in its place.
        return stream
    if number != 1 or not isinstance(stream, io.TextIOWrapper):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput(number, "w", closefd=False)),
        encoding=stream.encoding,
        # Not every locale has every character.
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _discard_unwritable(stream: TextIO) -> None:
    """Drops what cannot be written: at exit Python would try again, and complain."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _os_error_text(error: OSError, closed: list[str]) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    if error.errno == errno.EBADF and closed:
        names, reason = closed[:1], "is closed"
    return f"{' -> '.join(names)}: {reason}" if names else reason
