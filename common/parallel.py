"""Work spread over processes, with ordered results and constant memory."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

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
        Whatever `function` or the iterable raises, unchanged; RuntimeError if a process died.
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
        processes, mp_context=get_context("spawn"), initializer=initializer, initargs=initargs
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
        raise RuntimeError(
            "A worker process ended before its work was done (often: out of memory, or a script "
            "without `if __name__ == '__main__':`). Try fewer processes: --process_num=1."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
