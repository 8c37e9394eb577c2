"""Work spread over processes, with ordered results and constant memory."""

import itertools
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

from common.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    processes: int,
    *,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    chunks_ahead: int = 4,
) -> Iterator[Result]:
    """`map(function, items)` over several processes.

    Args:
        function: a module-level function (it is sent by name), called with one item.
        items: taken from the iterable only as results are consumed: never more than
            `processes * chunks_ahead` items are in flight, however many there are.
        processes: with 1 or fewer, or with fewer than two items, everything runs in this process.
        initializer: called once with `initargs` in each process before its first item.
        chunks_ahead: items in flight for each process.

    Returns:
        The results, in the order of the items.

    Raises:
        Whatever `function` or the iterable raises, unchanged; UserError if a process died.
    """
    remaining = iter(items)
    first = list(itertools.islice(remaining, 2))
    remaining = itertools.chain(first, remaining)
    if processes <= 1 or len(first) < 2:
        if initializer is not None:
            initializer(*initargs)
        yield from map(function, remaining)
        return
    # Not "fork": the parent may hold the threads and the device memory of a deep-learning library.
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(initializer, initargs),
    )
    under_way: deque[Future[Result]] = deque()
    try:
        for item in remaining:
            under_way.append(pool.submit(function, item))
            if len(under_way) >= processes * chunks_ahead:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process ended before its work was done (often: out of memory, or a script "
            "without `if __name__ == '__main__':`). Try fewer processes: --process_num=1."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "process_cpu_count"):  # From Python 3.13 on.
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    """What a worker process does first."""
    # A terminal sends Ctrl-C to the workers too; the parent decides when they end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with_the_parent() -> None:
    """Ends this process when its parent does, which may have been killed without a word."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
