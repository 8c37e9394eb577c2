"""Shows how far a long piece of work is, and the time left."""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from common.duration import duration

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 30.0
_POINT_SECONDS = 0.25
_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 30.0
_COLUMNS, _ROWS = 80, 24


class Rate:
    """How much is done per second, over the last half minute.

    The first report is the start of the measurement: what came before it (reading, compiling) says
    nothing about the rest of the work.

        >>> rate = Rate()
        >>> rate.add(1, now=60.0)  # compiled for a minute
        >>> rate.add(4, now=62.0)
        >>> rate.per_second
        2.0
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._done = self._last = self._skipped = 0.0

    def add(self, amount: float, now: float) -> None:
        """Adds what was done since the last call; `now` is the time in seconds."""
        now -= self._skipped
        self._done, self._last = self._done + amount, now
        points = self._points
        if not points or now - points[-1][0] >= _POINT_SECONDS:
            points.append((now, self._done))
        # The oldest point is that at, or before, the beginning of the half minute.
        while len(points) > 2 and points[1][0] <= now - WINDOW_SECONDS:
            points.popleft()

    def skip(self, seconds: float) -> None:
        """Leaves out a time in which other work was done."""
        self._skipped += seconds

    @property
    def per_second(self) -> float | None:
        """The rate, or None as long as it is unknown."""
        if not self._points:
            return None
        began, done = self._points[0]
        if self._done == done or self._last <= began:
            return None
        return (self._done - done) / (self._last - began)


class Progress:
    """Shows the progress of one piece of work; a context manager.

    On a terminal it is one line at the bottom that moves, elsewhere a line in the log every half
    minute. The time left is computed from the rate of the last half minute (see `Rate`).

        with Progress("tokenizing", total=sum(sizes)) as progress:
            for text in texts:
                ...
                progress.advance(len(text), "12,000 documents")

    Args:
        title: what is being done; may be changed at any time.
        total: the amount of work in any unit, such as steps, documents or bytes; None if it is
            unknown: then neither percentage nor time left are shown.
        done: how much of it was done before, by an earlier session of a run.
        further: given the seconds that one unit takes, returns the seconds of the work that `total`
            does not count, such as validations.
        at_most: whether the work may end before all of it is done.

    Attributes:
        title: see above.
        done: the amount that is done.
        rate: that of this piece of work.
    """

    def __init__(
        self,
        title: str,
        total: float | None = None,
        *,
        done: float = 0,
        further: Callable[[float], float] | None = None,
        at_most: bool = False,
    ) -> None:
        self.title = title
        self.done = done
        self.rate = Rate()
        self._total = total
        self._further = further
        self._at_most = at_most
        self._terminal = sys.stderr.isatty()
        self._shown = time.monotonic()
        self._bar: Any = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        if self._terminal:
            self._bar = self._opened.enter_context(_bar(self.title, self._total))
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def phase(self, text: str) -> None:
        """Says what is done before the work that is counted, such as "reading" or "compiling"."""
        self._say(f"{self.title}: {text}")

    def advance(self, amount: float = 1, text: str | Callable[[], str] = "") -> None:
        """Adds to the work that is done, and shows it where it is time to.

        Args:
            amount: how much was done since the last call, in the unit of `total`.
            text: further figures for the line, or a function that is called when it is shown.
        """
        now = time.monotonic()
        self.done += amount
        self.rate.add(amount, now)
        if now - self._shown < (_TERMINAL_SECONDS if self._terminal else _LOG_SECONDS):
            return
        parts = [self.title, text if isinstance(text, str) else text()]
        if self._total:
            parts.append(f"{min(1.0, self.done / self._total):.0%}")
        left = self.seconds_left
        if left is not None:
            parts.append(f"{'at most ' if self._at_most else ''}{duration(left)} left")
        self._say("  ".join(part for part in parts if part))

    @property
    def seconds_left(self) -> float | None:
        """The estimated time until all of the work is done, or None as long as it is unknown."""
        rate = self.rate.per_second
        if rate is None or self._total is None:
            return None
        further = 0.0 if self._further is None else self._further(1 / rate)
        return max(0.0, self._total - self.done) / rate + further

    @contextmanager
    def aside(self, text: str) -> Iterator[None]:
        """A context for work that the rate does not count, such as a validation."""
        began = time.monotonic()
        if self._terminal or began - self._shown >= _LOG_SECONDS:
            self._say(f"{self.title}: {text}")
        try:
            yield
        finally:
            self.rate.skip(time.monotonic() - began)

    def _say(self, line: str) -> None:
        self._shown = time.monotonic()
        if self._terminal:
            self._show(line)
        else:
            logger.info("%s", line)

    def _show(self, line: str) -> None:
        if self._bar is not None:
            self._bar.n = self.done if self._total is None else min(self.done, self._total)
            self._bar.set_description_str(line, refresh=True)


@contextmanager
def _bar(title: str, total: float | None) -> Iterator[Any]:
    """A bar of tqdm at the bottom of the terminal; log messages appear above it."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    # By default it starts a thread, and a semaphore that processes share.
    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())
    # Some terminals do not know their size.
    known = os.get_terminal_size(sys.stderr.fileno()).columns > 0
    with (
        logging_redirect_tqdm(),
        tqdm(
            desc=title,
            total=total,
            bar_format="{desc}  |{bar:10}|" if total else "{desc}",
            ncols=None if known else _COLUMNS,
            nrows=None if known else _ROWS,
            dynamic_ncols=known,
            leave=False,
            position=0,
        ) as bar,
    ):
        yield bar
