"""What ends a run before its end; neither needs a stack trace."""

import signal


class TrainingError(Exception):
    """A run that cannot go on: says why, what is kept, and what to do."""


class StoppedError(Exception):
    """A run that was asked to end (Ctrl-C, SIGTERM) and can be taken up again.

    Args:
        number: of the signal.
        message: how to go on.
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
