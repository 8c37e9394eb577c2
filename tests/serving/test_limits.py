"""`protocol_with_timeout` in a real server: it builds on undocumented parts of uvicorn."""

import asyncio

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from serving.limits import protocol_with_timeout  # noqa: E402

READ_TIMEOUT = 0.2
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def slow_app(scope, receive, send):
    """Answers after several times the time limit for a head."""
    await asyncio.sleep(5 * READ_TIMEOUT)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def in_server(talk):
    """What `talk` gives, a coroutine function of the server's host and port."""

    async def run():
        protocol = protocol_with_timeout(READ_TIMEOUT)
        config = uvicorn.Config(
            slow_app, port=0, http=protocol, ws="none", lifespan="off", log_config=None
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
