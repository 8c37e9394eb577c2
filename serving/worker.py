"""A thread that does one piece of work after another for the event loop."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


class Worker:
    """Runs functions in one daemon thread, in the order of the calls.

    A thread cannot be cancelled. Unlike those of `asyncio.to_thread`, this one keeps no process
    alive: work that does not end is left behind when the service stops.

        worker = Worker("model")
        result = await worker.run(sorted, [3, 1, 2])

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Runs a function in the thread; it is skipped if nobody waits any more when it is due.

        Raises:
            Whatever the function raises.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def set_outcome(setter: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():
                setter(outcome)

        def work() -> None:
            if future.done():
                return
            try:
                outcome, setter = function(*arguments), future.set_result
            except Exception as error:
                outcome, setter = error, future.set_exception  # type: ignore[assignment]
            with suppress(RuntimeError):  # The loop has been closed: the service has stopped.
                loop.call_soon_threadsafe(set_outcome, setter, outcome)

        self._start()
        self._work.put(work)
        return await future

    async def stop(self, seconds: float) -> bool:
        """Ends the thread after its present work.

        Args:
            seconds: how long that may take.

        Returns:
            Whether it has ended.
        """
        if self._thread is None:
            return True
        self._work.put(None)
        until = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return not self._thread.is_alive()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            work()
