"""Handles Ctrl-C, SIGTERM and SIGHUP: training stops after the current step."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Self

from common.errors import StoppedError
from training.devices.distribution import all_reduce_max, processes

# Windows has no SIGHUP; SIGBREAK is what it sends when the window is closed.
_HANGUP = getattr(signal, "SIGHUP", getattr(signal, "SIGBREAK", None))
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([] if _HANGUP is None else [_HANGUP]))
_FIRST = b"stopping after this step, with a checkpoint (Ctrl-C again: immediately)\n"


class Interruption:
    """A context manager that defers signals until training can stop safely.

    The first signal only sets `requested`, which the loop checks after each step. A second Ctrl-C
    ends the process immediately; if a checkpoint is being written then, it is discarded and the
    previous one is kept.

    Outside of the main thread, where Python cannot receive signals, it does nothing.

        with Interruption() as interruption:
            ...  # training steps
            interruption.synchronize()
            interruption.check()

    Args:
        resume_hint: the command that resumes the run, for messages.

    Attributes:
        number: the number of the signal, or None.
    """

    def __init__(self, resume_hint: str = "the same command") -> None:
        self._message = f"{resume_hint} resumes from the last checkpoint"
        self.number: int | None = None
        self._received: int | None = None
        self._raise_immediately = False
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether the run was asked to stop."""
        return self.number is not None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # Where the command was started with `nohup`, it continues after SIGHUP.
                if number != _HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def synchronize(self) -> bool:
        """Whether any process of the run was asked to stop; all must call it at the same step.

        A process that stopped alone would leave the others waiting for its gradients.
        """
        self.number = all_reduce_max(self._received or 0) or None
        return self.requested

    def check(self) -> None:
        """Raises `StoppedError` if the run was asked to stop."""
        if self.number is not None:
            raise StoppedError(self.number, self._message)

    @contextmanager
    def immediately(self) -> Iterator[None]:
        """A context in which a signal raises `StoppedError` immediately, because no work is lost.

        If several processes train together, they stop at the next `synchronize` instead.
        """
        self.check()
        self._raise_immediately = True
        try:
            yield
        finally:
            self._raise_immediately = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            if number == signal.SIGINT:
                os._exit(128 + number)
            return
        self._received = number
        if processes() == 1:
            self.number = number
            if self._raise_immediately:
                raise StoppedError(number, self._message)
        # Not logged: the signal may have arrived while the logger was writing a line. The reader of
        # `2>&1 | tee` may have been stopped by the same Ctrl-C.
        with suppress(OSError):
            os.write(2, _FIRST)
