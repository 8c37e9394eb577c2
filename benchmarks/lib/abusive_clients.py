"""Clients that abuse the service, all at once, each kind in as many connections as it has here."""

import asyncio
import itertools
import json
import random
import resource
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

_HEAD = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_BODY_BYTES = 1_900_000  # --max_body_bytes is 2,000,000
_CHARACTERS = 19_000  # --max_characters is 20,000
_SMALL_BUFFER = 4_096

Client = Callable[[str, int, Counter], Awaitable[None]]


async def idle(host: str, port: int, answers: Counter) -> None:
    """Sends nothing."""
    reader, writer = await asyncio.open_connection(host, port)
    with _closing(writer):
        await reader.read()
    answers["closed"] += 1


async def slow(host: str, port: int, answers: Counter) -> None:
    """Sends a request byte by byte."""
    reader, writer = await asyncio.open_connection(host, port)
    with _closing(writer):
        for byte in f"{_HEAD}Content-Length: 100\r\n\r\n{'x' * 100}".encode():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
        answers[await _status(reader)] += 1


async def unreading(host: str, port: int, answers: Counter) -> None:
    """Asks for the page again and again and never reads an answer."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    opened.setblocking(False)
    loop = asyncio.get_running_loop()
    with opened:
        await loop.sock_connect(opened, (host, port))
        while True:
            await loop.sock_sendall(opened, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.sleep(1)


async def wrong(host: str, port: int, answers: Counter) -> None:
    """Sends large bodies of unknown keys."""
    await _send_for_ever(host, port, answers, [_wrong_body()])


async def colliding(host: str, port: int, answers: Counter) -> None:
    """Sends texts that are slow to read; see `slow_texts`."""
    await _send_for_ever(host, port, answers, [_body(text) for text in slow_texts()])


CLIENTS: dict[Client, int] = {idle: 1_000, slow: 20, unreading: 20, wrong: 2, colliding: 4}


def slow_texts() -> list[str]:
    """Texts of which each token takes long to find.

    Thousands of different words that have the same hash in every table whose hash is a polynomial
    in 31 without a seed ("Aa" and "BB" have the same one); and characters without any order, of
    which a segmenter has to try all words.
    """
    words = ("".join(parts) for parts in itertools.product(("Aa", "BB"), repeat=12))
    draw = random.Random(1)
    characters = "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(_CHARACTERS))
    return [" ".join(words)[:_CHARACTERS], characters]


async def abuse(address: str) -> None:
    """Runs all clients until this is cancelled, and prints their answers every second."""
    url = urlsplit(address)
    assert url.hostname is not None and url.port is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))
    answers: dict[str, Counter] = {}
    tasks = []
    for client, count in CLIENTS.items():
        found = answers[client.__name__] = Counter()
        for _ in range(count):
            tasks.append(asyncio.create_task(_again(client, url.hostname, url.port, found)))
    while True:
        await asyncio.sleep(1)
        print(json.dumps(answers), flush=True)


async def _again(client: Client, host: str, port: int, answers: Counter) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            await client(host, port, answers)
        await asyncio.sleep(0.1)


async def _send_for_ever(host: str, port: int, answers: Counter, bodies: list[bytes]) -> None:
    for body in itertools.cycle(bodies):
        reader, writer = await asyncio.open_connection(host, port)
        with _closing(writer):
            writer.write(f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answers[await _status(reader)] += 1


class _closing:  # noqa: N801
    """Closes a connection at once, whatever happened."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self._writer.transport.abort()


async def _status(reader: asyncio.StreamReader) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b" ", 2)[1].decode()


def _body(text: str) -> bytes:
    """As many copies of a text as a request may have."""
    count = min(64, _BODY_BYTES // (len(text.encode()) + 4))
    return json.dumps({"input": [text] * count}, ensure_ascii=False).encode()


def _wrong_body() -> bytes:
    keys = {f"key{number}": 1 for number in range(140_000)}
    return json.dumps({"input": "text", **keys}).encode()[:_BODY_BYTES] + b"}"
