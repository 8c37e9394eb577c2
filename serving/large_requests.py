"""Large requests take turns, so that small ones do not wait for them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from serving.batching import QueueFullError
from serving.worker import Worker

LARGE = 32_768
_MOST = 16
_CHARACTERS = 2_000
# The rest after a turn or a piece if there are small requests, as a multiple of its time.
_REST = 2


class LargeRequests:
    """Lets in one large request after another, for a third of the time if there are small ones.

    To parse 2 MB of JSON, or to tokenize 600,000 characters, takes a good part of a second, during
    which Python does little else. So a large request waits until the one before has been answered
    and, if others came meanwhile, for twice as long again.

        large = LargeRequests(timeout=30)
        async with large.turn():
            ...  # answer a large request

    Args:
        timeout: how many seconds a large request waits at most.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._held = 0
        self._small = 0

    def note_small(self) -> None:
        """Notes that there are small requests."""
        self._small += 1

    @contextmanager
    def room(self) -> Iterator[None]:
        """Keeps room for the body of a large request.

        Raises:
            QueueFullError: there are too many of them.
        """
        if self._held >= _MOST:
            raise QueueFullError
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until no other large request is answered.

        Raises:
            QueueFullError: this took too long.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise QueueFullError from None
        began, small = time.monotonic(), self._small
        try:
            yield
        finally:
            pause = 0.0 if self._small == small else _REST * (time.monotonic() - began)
            asyncio.get_running_loop().call_later(pause, self._turn.release)

    async def in_pieces(
        self,
        worker: Worker,
        function: Callable[[Sequence[Any]], list],
        records: Sequence[Any],
        values: Callable[[Any], Any] = lambda record: record,
    ) -> list:
        """Runs a function on records, a few at a time, so that others have their turn in between.

        Args:
            worker: the thread.
            function: gives one result for each of a list of records.
            records: the records.
            values: the texts of a record: a text, or texts in lists, tuples or by name.
        """
        found: list = []
        for piece in _pieces(records, values):
            began, small = time.monotonic(), self._small
            found += await worker.run(function, piece)
            if len(found) < len(records) and self._small != small:
                await asyncio.sleep(_REST * (time.monotonic() - began))
        return found


def _pieces(records: Sequence[Any], values: Callable[[Any], Any]) -> Iterator[list]:
    """Lists of consecutive records with about as many characters each."""
    piece: list = []
    size = 0
    for record in records:
        piece.append(record)
        size += _characters(values(record))
        if size >= _CHARACTERS:
            yield piece
            piece, size = [], 0
    if piece or not records:
        yield piece


def _characters(texts: Any) -> int:
    if isinstance(texts, str):
        return len(texts)
    return sum(map(_characters, texts.values() if isinstance(texts, Mapping) else texts))
