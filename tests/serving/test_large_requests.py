import asyncio
import json

import pytest

from serving import large_requests
from serving.batching import QueueFullError
from serving.large_requests import LARGE, LargeRequests
from serving.limits import BodyLimit
from serving.worker import Worker


def test_one_large_request_after_another():
    inside = []

    async def request(large, number):
        async with large.turn():
            inside.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.pop()

    async def main():
        large = LargeRequests(30)
        await asyncio.wait_for(asyncio.gather(*(request(large, n) for n in range(5))), 30)

    asyncio.run(main())


@pytest.mark.parametrize("others", [False, True])
def test_a_pause_where_there_are_others(monkeypatch, others):
    async def main():
        large, pauses = LargeRequests(30), []
        monkeypatch.setattr(
            asyncio.get_running_loop(), "call_later", lambda seconds, what: pauses.append(seconds)
        )
        async with large.turn():
            if others:
                large.note_small()
        return pauses

    (pause,) = asyncio.run(main())
    assert (pause > 0) == others


def test_pieces_have_all_records_in_their_order(monkeypatch):
    monkeypatch.setattr(large_requests, "_CHARACTERS", 5)
    records = ["aaa", "bb", ("c", ("dd", "e")), "", "f" * 9, "g"]
    pieces = []

    def encode(piece):
        pieces.append(piece)
        return [str(record) for record in piece]

    async def main(given):
        large = LargeRequests(30)
        large.note_small()
        return await large.in_pieces(Worker("test"), encode, given)

    assert asyncio.run(main(records)) == [str(record) for record in records]
    assert pieces == [records[:2], records[2:5], records[5:]]
    assert asyncio.run(main([])) == []


def answers_of(app, body, large, *, cancel=False):
    """The messages that the app behind a `BodyLimit` sends."""
    sent = []
    headers = [(b"content-type", b"application/json")]
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def main():
        limit = BodyLimit(app, max_bytes=10 * LARGE, timeout=30, large=large)
        task = asyncio.create_task(limit({"type": "http", "headers": headers}, receive, send))
        if cancel:
            await asyncio.sleep(0.05)
            task.cancel()
        await task

    asyncio.run(main())
    return sent


def test_too_many_large_requests_are_503(monkeypatch):
    monkeypatch.setattr(large_requests, "_MOST", 0)

    async def app(scope, receive, send):
        raise AssertionError("it is not let in")

    start, body = answers_of(app, b"x" * (LARGE + 1), LargeRequests(30))
    assert start["status"] == 503
    assert json.loads(body["body"])["error"]["message"] == "too many large requests are waiting"
    with pytest.raises(QueueFullError), LargeRequests(30).room():
        pass


def test_a_turn_that_does_not_come_is_503():
    async def app(scope, receive, send):
        raise AssertionError("it is not let in")

    large = LargeRequests(0.01)
    large._turn._locked = True
    start, _ = answers_of(app, b"x" * (LARGE + 1), large)
    assert start["status"] == 503


def test_room_is_given_back():
    async def app(scope, receive, send):
        assert len((await receive())["body"]) > LARGE

    large = LargeRequests(30)
    for _ in range(large_requests._MOST + 1):
        assert answers_of(app, b"x" * (LARGE + 1), large) == []


def test_what_is_not_answered_when_the_service_stops_is_503():
    async def app(scope, receive, send):
        await asyncio.sleep(30)

    start, body = answers_of(app, b"{}", LargeRequests(30), cancel=True)
    assert start["status"] == 503
    assert b"the service is stopping" in body["body"]
