"""Protects the service from large bodies and slow clients, before FastAPI sees a request."""

import asyncio
import time
from collections.abc import Collection
from contextlib import ExitStack

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.batching import QueueFullError
from serving.errors import error_answer
from serving.large_requests import LARGE, LargeRequests

# How long the rest of a body that is too large is read and dropped: a client that is still sending
# when the connection is closed would not see the answer.
_READ_ON_SECONDS = 2.0
_TOO_MANY = "too many large requests are waiting"


class BodyLimit:
    """Reads the whole body of each request, up to a size and a time, before the app sees it.

    Args:
        app: the application behind it.
        max_bytes: the size of a body; a larger one is answered with 413.
        timeout: seconds for the whole body; a slower one is answered with 408.
        large: lets large requests in, one after another; 503 where too many of them wait.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, timeout: float, large: LargeRequests
    ) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._large = large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
        kind = headers.get(b"content-type", b"").decode("latin-1").lower().replace('"', "")
        charset = kind.partition("charset=")[2].partition(";")[0].strip() or "utf-8"
        if encoding != "identity" or charset not in ("utf-8", "utf8", "us-ascii"):
            await _read_on(receive)
            answer = error_answer(
                415, "send the body as JSON in UTF-8, neither compressed nor in another encoding"
            )
            await answer(scope, receive, send)
            return
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            with ExitStack() as room:
                await self._answer(scope, receive, note, room)
        except asyncio.CancelledError:
            # The server cancels what has not been answered within --stop_timeout.
            if not begun:
                await error_answer(503, "the service is stopping")(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, room: ExitStack) -> None:
        async def close(status: int, message: str) -> None:
            answer = error_answer(status, message)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)

        try:
            async with asyncio.timeout(self._timeout):
                body = await self._read(receive, room)
        except TimeoutError:
            await close(408, f"the body did not arrive within {self._timeout:g} s")
            return
        except ClientDisconnected:
            return
        except QueueFullError:
            await _read_on(receive)
            await close(503, _TOO_MANY)
            return
        if body is None:
            await _read_on(receive)
            await close(413, f"the body is larger than {self._max_bytes:,} bytes")
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        if len(body) <= LARGE:
            self._large.note_small()
            await self.app(scope, replay, send)
            return
        try:
            async with self._large.turn():
                await self.app(scope, replay, send)
        except QueueFullError:
            await error_answer(503, _TOO_MANY)(scope, receive, send)

    async def _read(self, receive: Receive, room: ExitStack) -> bytes | None:
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
            if size > LARGE >= size - len(pieces[-1]):
                room.enter_context(self._large.room())
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


class TimeLimit:
    """Answers with 503 a request that takes too long; the work for it that waits is dropped.

    Args:
        app: the application behind it.
        timeout: seconds from the arrival of the body to the beginning of the answer.
    """

    def __init__(self, app: ASGIApp, *, timeout: float) -> None:
        self.app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def note(message: Message) -> None:
            limit.reschedule(None)  # The answer has begun; slow readers have a limit of their own.
            await send(message)

        try:
            async with asyncio.timeout(self._timeout) as limit:
                await self.app(scope, receive, note)
        except TimeoutError:
            if not limit.expired():
                raise
            answer = error_answer(503, f"the request took longer than {self._timeout:g} s")
            await answer(scope, receive, send)


class AllowedHosts:
    """Answers only requests that address the service by one of its names.

    A web page whose own name leads to this machine (DNS rebinding) could use the service otherwise.

    Args:
        app: the application behind it.
        hosts: the names; empty: any.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self.app = app
        self._hosts = {host.strip("[]").lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http" and self._hosts:
            header = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
            host = header[1:].partition("]")[0] if header[:1] == "[" else header.partition(":")[0]
            if host not in self._hosts:
                answer = error_answer(
                    400, f"the service is not addressed as {header!r:.80}; --allowed_hosts adds it"
                )
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)
