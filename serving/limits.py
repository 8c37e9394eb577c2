"""Protects the service from large bodies and slow clients, before FastAPI sees a request."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import error_answer

# How long the rest of a body that is too large is read and dropped: a client that is still sending
# when the connection is closed would not see the answer.
_READ_ON_SECONDS = 2.0


class BodyLimit:
    """Reads the whole body of each request, up to a size and a time, before the app sees it.

    Args:
        app: the application behind it.
        max_bytes: the size of a body; a larger one is answered with 413.
        timeout: seconds for the whole body; a slower one is answered with 408.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout: float) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._read(receive)
        except TimeoutError:
            answer = error_answer(408, f"the body did not arrive within {self._timeout:g} s")
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        except ClientDisconnected:
            return
        if body is None:
            await _read_on(receive)
            answer = error_answer(413, f"the body is larger than {self._max_bytes:,} bytes")
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None if it is too large."""
        pieces, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self._max_bytes:
                return None
            if not message.get("more_body", False):
                return b"".join(pieces)


class ClientDisconnected(Exception):  # noqa: N818
    """The client closed the connection."""


async def _read_on(receive: Receive) -> None:
    until = time.monotonic() + _READ_ON_SECONDS
    while (left := until - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(receive(), left)
        except TimeoutError:
            return
        if not message.get("more_body", False):
            return


def protocol_with_timeout(seconds: float) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1 protocol with a time limit for the head of a request.

    uvicorn itself limits only the pause between two requests. Here the time starts with the
    connection, or with the first byte of a further request; when it is over, the connection is
    closed. (`cycle` and its `response_complete` are not documented: a test fails if they change.)

    Args:
        seconds: the limit.
    """

    class TimedProtocol(H11Protocol):
        timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._answering():
                self._cancel()
            else:
                self._start()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def _answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _start(self) -> None:
            if self.timer is None:
                self.timer = self.loop.call_later(seconds, self._close)

        def _cancel(self) -> None:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None

        def _close(self) -> None:
            self.timer = None
            if not self._answering() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
