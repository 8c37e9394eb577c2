import asyncio

import pytest

from serving.large_requests import LargeRequests
from serving.limits import BodyLimit
from serving.metrics import MeasureRequests, Measures


async def answer(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def fail(scope, receive, send):
    raise ValueError


@pytest.mark.parametrize(
    ("app", "message", "status"),
    [
        (answer, {"type": "http.request", "body": b""}, 200),
        (fail, {"type": "http.request", "body": b""}, 500),
        # A client that leaves before its body has arrived is no error of the service.
        (answer, {"type": "http.disconnect"}, 499),
    ],
)
def test_requests_are_counted_by_their_answer(app, message, status):
    measures = Measures(lambda: 0)
    limited = BodyLimit(app, max_bytes=9, timeout=9, large=LargeRequests(9))
    measured = MeasureRequests(limited, measures=measures)

    async def receive():
        return message

    async def send(message):
        pass

    async def call():
        await measured({"type": "http", "path": "/healthz", "headers": []}, receive, send)

    if app is fail:
        with pytest.raises(ValueError):
            asyncio.run(call())
    else:
        asyncio.run(call())
    lines = [line for line in measures.text().decode().splitlines() if "requests_total{" in line]
    assert lines == [f'requests_total{{path="/healthz",status="{status}"}} 1.0']
