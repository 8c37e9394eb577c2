"""Micro-batching: requests that wait at the same time go through the model together."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from serving.worker import Worker

# What has not ended within --stop_timeout is left behind soon.
STOP_SECONDS = 0.5


class QueueFullError(Exception):
    """The queue has no room for the items of a request."""


@dataclass
class _Waiting:
    item: Any
    result: asyncio.Future
    deadline: float


class MicroBatcher:
    """Collects items from many requests and scores them in one thread, one batch at a time.

    A batch is scored when it is full, or when its first item has waited for `max_wait`. While the
    model is busy, items gather for the next batch.

    Args:
        score: gives one result for each item of a list; runs in a thread of its own.
        max_batch_size: the most items in a batch; 1: each is scored alone and immediately.
        max_wait: how many seconds an item waits for others.
        max_queue: the most items that may wait.
        observe: called with the size of each batch.
    """

    def __init__(
        self,
        score: Callable[[list[Any]], Iterable[Any]],
        *,
        max_batch_size: int,
        max_wait: float,
        max_queue: int,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._score = score
        self._max_batch_size = max_batch_size
        self._max_wait = max_wait if max_batch_size > 1 else 0.0
        self._max_queue = max_queue
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._changed = asyncio.Event()
        self._reserved = 0
        self._worker = Worker("model")
        self._task: asyncio.Task | None = None

    @property
    def waiting(self) -> int:
        """The number of items in the queue."""
        return len(self._queue)

    def start(self) -> None:
        """Starts scoring; to be called in the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    @contextmanager
    def room_for(self, count: int) -> Iterator[None]:
        """Reserves room for the items of a request, so that nothing is prepared in vain.

        Args:
            count: how many items may be submitted within the block.

        Raises:
            QueueFullError: there is no room.
        """
        if max(self._reserved, len(self._queue)) + count > self._max_queue:
            raise QueueFullError
        self._reserved += count
        try:
            yield
        finally:
            self._reserved -= count

    async def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Stops scoring; items that still wait are cancelled.

        Args:
            seconds: how long the last batch may take.

        Returns:
            Whether the last batch has ended, too.
        """
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        while self._queue:
            self._queue.popleft().result.cancel()
        return await self._worker.stop(seconds)

    async def submit(self, items: Sequence[Any]) -> list[Any]:
        """The results of the items of one request, in their order.

        Raises:
            QueueFullError: they do not all fit into the queue; none of them was added.
            Exception: whatever `score` raised on a batch with one of them in it.
        """
        if len(self._queue) + len(items) > self._max_queue:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + self._max_wait
        futures = [loop.create_future() for _ in items]
        for item, future in zip(items, futures, strict=True):
            self._queue.append(_Waiting(item, future, deadline))
        self._changed.set()
        # Cancels the others if one fails, or if the client has disconnected.
        return list(await asyncio.gather(*futures))

    async def _run(self) -> None:
        while True:
            batch = await self._next_batch()
            if batch:
                await self._score_batch(batch)

    async def _next_batch(self) -> list[_Waiting]:
        while not self._queue:
            self._changed.clear()
            await self._changed.wait()
        while len(self._queue) < self._max_batch_size:
            left = self._queue[0].deadline - time.monotonic()
            if left <= 0:
                break
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
        size = min(self._max_batch_size, len(self._queue))
        taken = [self._queue.popleft() for _ in range(size)]
        return [waiting for waiting in taken if not waiting.result.done()]

    async def _score_batch(self, batch: list[_Waiting]) -> None:
        self._observe(len(batch))
        try:
            results = await self._worker.run(self._score, [waiting.item for waiting in batch])
            outcomes = list(zip(batch, results, strict=True))
        except Exception as error:
            for waiting in batch:
                if not waiting.result.done():
                    waiting.result.set_exception(error)
            return
        for waiting, result in outcomes:
            if not waiting.result.done():
                waiting.result.set_result(result)
