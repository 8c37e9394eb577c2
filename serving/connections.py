"""Limits of the connections: how many there are, and how slow their clients may be."""

import asyncio
import logging
import time

from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    import resource
except ImportError:  # Windows, which has no such limit.
    resource = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

# How many connections are accepted at once, and how many may wait for that. A client that finds no
# room to wait tries again after a second.
BACKLOG, WAITING = 128, 2_048
# Descriptors for files, the event loop and libraries, beside those of the connections.
_OTHER_FILES = 128
_SECONDS_BETWEEN_MESSAGES = 60.0


def possible_connections(wanted: int) -> int:
    """How many connections this process may have, after raising its limit of open files.

    Up to `BACKLOG` connections are accepted before the first of them can be closed.

    Args:
        wanted: how many it should have.
    """
    if resource is None:
        return wanted
    needed = wanted + BACKLOG + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    possible = min(wanted, max(1, soft - BACKLOG - _OTHER_FILES))
    if possible < wanted:
        logger.warning(
            "only %d connections are possible, because this process may open %d files (ulimit -n)",
            possible,
            soft,
        )
    return possible


def limited_protocol(seconds: float, max_connections: int) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1 protocol with limits.

    uvicorn itself limits only the pause between two requests. Here the time for the head of a
    request starts with the connection, or with the first byte of a further request; when it is
    over, the connection is closed. So is the connection of a client that does not read its answer
    for as long. Where there are too many connections, the one that has been idle for longest makes
    room for a new one; if none is idle, the new one is closed. (`cycle` and its `response_complete`
    are not documented: a test fails if they change.)

    Args:
        seconds: the limit of time.
        max_connections: the most connections.
    """
    # In the order of their last request.
    opened: dict[H11Protocol, None] = {}
    told = -_SECONDS_BETWEEN_MESSAGES

    def make_room() -> bool:
        nonlocal told
        if time.monotonic() - told > _SECONDS_BETWEEN_MESSAGES:
            told = time.monotonic()
            logger.warning(
                "%d connections are open, as many as --max_connections and the system allow: those "
                "that have been idle for longest are closed",
                len(opened),
            )
        for protocol in opened:
            if not protocol.answering():  # type: ignore[attr-defined]
                del opened[protocol]
                protocol.transport.abort()
                return True
        return False

    class LimitedProtocol(H11Protocol):
        head_timer: asyncio.TimerHandle | None = None
        write_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(opened) >= max_connections and not make_room():
                transport.abort()
                return
            opened[self] = None
            # `pause_writing` is called as soon as anything waits to be read by the client.
            transport.set_write_buffer_limits(high=0)
            self._start()

        def data_received(self, data: bytes) -> None:
            if self in opened:
                opened[self] = opened.pop(self)
            super().data_received(data)
            if self.answering():
                self._cancel()
            else:
                self._start()

        def connection_lost(self, exc: Exception | None) -> None:
            opened.pop(self, None)
            self._cancel()
            self._cancel_write()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._cancel_write()
            self.write_timer = self.loop.call_later(seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._cancel_write()
            super().resume_writing()

        def answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _start(self) -> None:
            if self.head_timer is None:
                self.head_timer = self.loop.call_later(seconds, self._close)

        def _cancel(self) -> None:
            if self.head_timer is not None:
                self.head_timer.cancel()
                self.head_timer = None

        def _cancel_write(self) -> None:
            if self.write_timer is not None:
                self.write_timer.cancel()
                self.write_timer = None

        def _close(self) -> None:
            self.head_timer = None
            if not self.answering() and not self.transport.is_closing():
                self.transport.close()

    return LimitedProtocol
