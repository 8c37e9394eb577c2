"""The error that is meant for the person who runs a command, not for a programmer."""

import os


class InputError(Exception):
    """A file, an option or a text that cannot be used, said so that it can be put right.

    Args:
        message: what is wrong, what was found and what to do.
        path: the file that it is about.
        line: the line of that file, from 1.
    """

    def __init__(
        self, message: str, path: str | os.PathLike[str] | None = None, line: int | None = None
    ) -> None:
        # All three: what a worker process raises is rebuilt from them.
        super().__init__(message, path, line)
        self.message = message
        self.path = None if path is None else os.fspath(path)
        self.line = line

    def __str__(self) -> str:
        place = [str(part) for part in (self.path, self.line) if part is not None]
        return ":".join(place) + ": " + self.message if place else self.message
