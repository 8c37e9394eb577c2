"""Groups the items of a slow source into batches that do not wait for long."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

ItemT = TypeVar("ItemT")

# On Windows, Ctrl-C is noticed only between two waits.
_LONGEST_WAIT = 1.0


class _End:
    """Follows the last item: why the source ended, if it failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def timed_batches(
    items: Iterable[ItemT], size: int, max_wait: float | None
) -> Iterator[list[ItemT]]:
    """Groups items into lists of at most `size`, in their order.

    A thread reads ahead, by `size` items at most, so a source that pauses, such as a pipe, holds
    back nothing that was read before: a batch that is not full is given `max_wait` after its first
    item was read. This needs no `select`, which on Windows knows no pipes.

        >>> list(timed_batches("abcde", 2, max_wait=None))
        [['a', 'b'], ['c', 'd'], ['e']]

    Args:
        items: the source; read in a thread of its own.
        size: the most items in a batch.
        max_wait: the longest time in seconds that an item waits for others; None: until the batch
            is full or the source ends.

    Raises:
        BaseException: what the source raises, after everything before it was given.
    """
    waiting: queue.Queue[tuple[float, ItemT] | _End] = queue.Queue(size)
    stopped = threading.Event()
    # A daemon: a read that waits for a terminal must not keep a command from ending.
    threading.Thread(
        target=_read, args=(items, waiting, stopped), name="reader", daemon=True
    ).start()
    end: _End | None = None
    try:
        while end is None:
            batch: list[ItemT] = []
            deadline: float | None = None
            while end is None and len(batch) < size:
                try:
                    found = waiting.get(timeout=_remaining(deadline))
                except queue.Empty:
                    if deadline is not None and time.monotonic() >= deadline:
                        break
                    continue
                if isinstance(found, _End):
                    end = found
                    continue
                arrived, item = found
                batch.append(item)
                if deadline is None and max_wait is not None:
                    deadline = arrived + max_wait
            if batch:
                yield batch
        if end.error is not None:
            raise end.error
    finally:
        stopped.set()


def _remaining(deadline: float | None) -> float:
    if deadline is None:
        return _LONGEST_WAIT
    # An item that is already there is taken even if the time is over.
    return min(_LONGEST_WAIT, max(1e-4, deadline - time.monotonic()))


def _read(items: Iterable[ItemT], waiting: "queue.Queue", stopped: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _put((time.monotonic(), item), waiting, stopped):
                return
    except BaseException as error:
        end = _End(error)
    _put(end, waiting, stopped)


def _put(found: object, waiting: "queue.Queue", stopped: threading.Event) -> bool:
    """Waits for a free place; false if nobody takes items any more."""
    while not stopped.is_set():
        try:
            waiting.put(found, timeout=_LONGEST_WAIT)
            return True
        except queue.Full:
            continue
    return False
