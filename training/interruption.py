"""Ctrl-C and SIGTERM while training: to the end of the step and no further."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from common.errors import StoppedError
from training.distribution import highest, processes

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST = b"stopping after this step, with a checkpoint (Ctrl-C again: at once)\n"


class Interruption:
    """Remembers a signal until there is a good moment to stop; a context manager.

    The first signal is only noted: `asked` says so, and whoever trains asks after each step. A
    Ctrl-C after it ends the process at once; a checkpoint that is being written then is given
    up, and the one before it stays.

    Outside of the main thread, where Python takes no signals, it does nothing.

    Args:
        how_to_go_on: what to say to someone who stopped the run: "the same command".
    """

    def __init__(self, how_to_go_on: str = "the same command") -> None:
        self._message = f"{how_to_go_on} goes on from the checkpoint that was written last"
        self.number: int | None = None
        self._struck: int | None = None
        self._raise_at_once = False
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether the run was asked to stop."""
        return self.number is not None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agree(self) -> bool:
        """Whether any process of the run was asked to stop; all are to call it at the same step.

        A process that stopped by itself would leave the others waiting for its gradients.
        """
        self.number = highest(self._struck or 0) or None
        return self.asked

    def check(self) -> None:
        """Raises `StoppedError` where the run was asked to stop."""
        if self.number is not None:
            raise StoppedError(self.number, self._message)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within it a signal raises `StoppedError` where it strikes: nothing is lost by that.

        Where processes train together they go on, and stop where they next agree to.
        """
        self.check()
        self._raise_at_once = True
        try:
            yield
        finally:
            self._raise_at_once = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._struck is not None:
            if number == signal.SIGINT:
                os._exit(128 + number)
            return
        self._struck = number
        if processes() == 1:
            self.number = number
            if self._raise_at_once:
                raise StoppedError(number, self._message)
        # Not by the log: the signal may have struck in the middle of one of its lines.
        os.write(2, _FIRST)
