"""The errors that are meant for the person who runs a command, not for a programmer.

`common.command_line` turns each of them into one line and an exit status, without a stack trace.
"""

import os
import signal


class UserError(Exception):
    """Something that the user can correct: the message says what is wrong and what to do.

        >>> str(UserError("not UTF-8", "labels.txt", 3))
        'labels.txt:3: not UTF-8'

    Args:
        message: what is wrong, what was found and what to do.
        path: the file or folder that the message is about.
        line: the line of that file, from 1.
    """

    def __init__(
        self, message: str, path: str | os.PathLike[str] | None = None, line: int | None = None
    ) -> None:
        # All three: an error that a worker process raises is rebuilt from them.
        super().__init__(message, path, line)
        self.message = message
        self.path = None if path is None else os.fspath(path)
        self.line = line

    def __str__(self) -> str:
        place = [str(part) for part in (self.path, self.line) if part is not None]
        return ":".join(place) + ": " + self.message if place else self.message


class InputError(UserError):
    """A file or a text that cannot be used."""


class OptionError(UserError):
    """An option with a value that it cannot have: names the option, its value and the rule."""


class ConfigError(UserError):
    """A configuration that no model can be built from: names the key, its value and the rule."""


class CheckpointError(UserError):
    """A checkpoint folder that cannot be used: names the folder, the reason and the remedy."""


class TrainingError(UserError):
    """A run that cannot continue: says why, what is kept, and what to do."""


class StoppedError(BaseException):
    """A run that was asked to stop (Ctrl-C, SIGTERM) and can be resumed.

    As `KeyboardInterrupt`, it is no `Exception`: it may be raised within any call of a library, and
    Keras would make another error of it.

    Args:
        number: the signal's number.
        message: how to resume.
    """

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(number, message)
        self.number = number
        self.message = message

    def __str__(self) -> str:
        name = "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name
        return f"stopped by {name}{': ' if self.message else ''}{self.message}"

    @property
    def status(self) -> int:
        """The exit status: 128 and the signal's number, as shells have it."""
        return 128 + self.number
