"""`limited_protocol` in a real server: it builds on undocumented parts of uvicorn."""

import asyncio
from contextlib import suppress

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from serving import connections  # noqa: E402
from serving.connections import limited_protocol  # noqa: E402

READ_TIMEOUT = 0.2
MAX_CONNECTIONS = 3
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def slow_app(scope, receive, send):
    """Answers after several times the time limit for a head."""
    await asyncio.sleep(5 * READ_TIMEOUT)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def in_server(talk, app=slow_app):
    """What `talk` gives, a coroutine function of the server's host and port."""

    async def run():
        protocol = limited_protocol(READ_TIMEOUT, MAX_CONNECTIONS)
        config = uvicorn.Config(
            app, port=0, http=protocol, ws="none", lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            address = server.servers[0].sockets[0].getsockname()
            return await asyncio.wait_for(talk(*address), 60)
        finally:
            server.should_exit = True
            await serving

    return asyncio.run(run())


@pytest.mark.parametrize("sent", [b"", REQUEST[:10]])
def test_a_head_that_does_not_come_ends_the_connection(sent):
    async def talk(host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent)
        received = await reader.read()
        writer.close()
        return received

    assert in_server(talk) == b""


def test_an_answer_may_take_longer_than_a_head():
    async def talk(host, port):
        reader, writer = await asyncio.open_connection(host, port)
        answers = []
        for _ in range(2):
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            answers.append((head.split(b"\r\n")[0], await reader.readexactly(2)))
        writer.close()
        return answers

    assert in_server(talk) == [(b"HTTP/1.1 200 OK", b"ok")] * 2


def test_the_connection_that_was_idle_for_longest_makes_room():
    async def talk(host, port):
        opened = [await asyncio.open_connection(host, port) for _ in range(MAX_CONNECTIONS)]
        # The first one is in the middle of a request, so the second one has to go.
        opened[0][1].write(REQUEST)
        await asyncio.sleep(READ_TIMEOUT / 4)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(REQUEST)
        with suppress(ConnectionResetError):
            assert await opened[1][0].read() == b""
        answers = [await each.readuntil(b"\r\n") for each in (opened[0][0], reader)]
        for _, each in (*opened, (reader, writer)):
            each.close()
        return answers

    assert in_server(talk) == [b"HTTP/1.1 200 OK\r\n"] * 2


def test_a_client_that_does_not_read_its_answer_is_left():
    async def large_app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(1000):
                await send({"type": "http.response.body", "body": bytes(10**6), "more_body": True})
        finally:
            ended.set()

    async def talk(host, port):
        _, writer = await asyncio.open_connection(host, port, limit=1000)
        writer.write(REQUEST)
        await asyncio.wait_for(ended.wait(), 30)
        writer.close()

    ended = asyncio.Event()
    in_server(talk, large_app)


def test_files_for_connections(monkeypatch, caplog):
    limits = [(1024, 4096)]
    monkeypatch.setattr(connections.resource, "getrlimit", lambda kind: limits[-1])
    monkeypatch.setattr(connections.resource, "setrlimit", lambda kind, new: limits.append(new))
    assert connections.possible_connections(100) == 100
    assert limits == [(1024, 4096)]
    assert connections.possible_connections(1000) == 1000
    assert limits[-1] == (1256, 4096)
    assert connections.possible_connections(10_000) == 4096 - 256
    assert "only 3840 connections are possible" in caplog.text
