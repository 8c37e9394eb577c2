import logging
import os
import sys
from contextlib import contextmanager, suppress

import pytest

from common import progress as module
from common.progress import Progress, Rate


@pytest.fixture
def now(monkeypatch, caplog):
    caplog.set_level("INFO")
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    return clock


def test_what_comes_before_the_first_report_does_not_count():
    rate = Rate()
    assert rate.per_second is None
    rate.add(1, now=100.0)
    assert rate.per_second is None
    rate.add(1, now=102.0)
    assert rate.per_second == 0.5


def test_the_rate_is_that_of_the_last_half_minute():
    rate = Rate()
    for second in range(1001):
        rate.add(10 if second <= 900 else 1, now=float(second))
    assert rate.per_second == 1
    # Even where a single step takes longer than that.
    slow = Rate()
    for step in range(5):
        slow.add(1, now=100.0 * step)
    assert slow.per_second == 0.01


def test_many_reports_of_a_second_take_little_memory():
    rate = Rate()
    for report in range(10_000):
        rate.add(1, now=report / 100)
    assert len(rate._points) <= 30 / 0.25 + 2
    assert rate.per_second == pytest.approx(100)


def test_other_work_does_not_count():
    rate = Rate()
    rate.add(1, now=0.0)
    rate.add(1, now=1.0)
    rate.skip(50.0)
    rate.add(1, now=52.0)
    assert rate.per_second == 1.0


def test_a_line_every_half_minute(now, caplog):
    with Progress("tokenizing", 100) as progress:
        progress.phase("reading")
        for _ in range(7):
            now[0] += 10
            progress.advance(1, "some text")
    assert caplog.messages == [
        "tokenizing: reading",
        # Two in 20 s, then three in 30 s: 0.1 per second.
        "tokenizing  some text  3%  16m10s left",
        "tokenizing  some text  6%  15m40s left",
    ]


def test_what_was_done_before_does_not_count(now, caplog):
    with Progress("epoch 3/3", 1000, done=990) as progress:
        for _ in range(2):
            now[0] += 40
            progress.advance()
    assert caplog.messages == ["epoch 3/3  99%", "epoch 3/3  99%  5m20s left"]


def test_work_that_the_total_does_not_count(now, caplog):
    asked = []

    def validations(seconds):
        asked.append(seconds)
        return 100.0

    with Progress("epoch 1/2", 5, further=validations, at_most=True) as progress:
        for _ in range(2):
            now[0] += 30
            progress.advance()
            with progress.aside("validating"):
                now[0] += 1000
    # Three steps of 30 s, and the validations.
    assert caplog.messages == ["epoch 1/2  20%", "epoch 1/2  40%  at most 3m10s left"]
    assert asked == [30.0]
    with progress.aside("validating"):
        now[0] += 5
    with progress.aside("testing"):
        pass
    assert caplog.messages[2:] == ["epoch 1/2: validating"]


def test_an_unknown_total(now, caplog):
    with Progress("labelling") as progress:
        now[0] += 31
        progress.advance(5, lambda: "5 lines")
        assert progress.seconds_left is None
    assert caplog.messages == ["labelling  5 lines"]


@contextmanager
def terminal():
    """A pseudo-terminal in place of standard error.

    Yields:
        The end of its user, and a function that returns what was written since the last call.
    """
    pty = pytest.importorskip("pty")
    user, stderr = pty.openpty()
    stream = os.fdopen(stderr, "w")
    with pytest.MonkeyPatch.context() as patch:
        # Not in a fixture: pytest gives each phase of a test streams of its own.
        patch.setattr(sys, "stderr", stream)

        def written() -> str:
            # The kernel hands over what was written a little later, in parts.
            stream.write("\0")
            stream.flush()
            found = b""
            while not found.endswith(b"\0"):
                found += os.read(user, 100_000)
            return found.removesuffix(b"\0").decode()

        yield user, written
    with suppress(OSError):
        stream.close()
    with suppress(OSError):
        os.close(user)


def test_one_line_that_moves(now):
    with terminal() as (_, written):
        with Progress("tokenizing", 4) as progress:
            for _ in range(2):
                now[0] += 1
                progress.advance(1, "words")
        text = written()
    assert "\rtokenizing  words  25%  |" in text
    assert "\rtokenizing  words  50%  2s left  |█████     |" in text
    assert "\n" not in text
    assert text.endswith("\r")
    assert not text.split("\r")[-2].strip()  # The line is cleared.


def test_messages_appear_above_the_line(now):
    with terminal() as (_, written):
        handler = logging.StreamHandler(sys.stderr)
        logging.getLogger().addHandler(handler)
        try:
            with Progress("tokenizing", 4):
                logging.getLogger("test").warning("look")
        finally:
            logging.getLogger().removeHandler(handler)
        lines = [line.strip() for line in written().replace("\r", "\n").split("\n")]
    assert "look" in lines


def test_a_terminal_that_is_gone_ends_nothing(now):
    with terminal() as (user, _), Progress("tokenizing", 4) as progress:
        os.close(user)
        for _ in range(2):
            now[0] += 1
            progress.advance()
        assert progress.done == 2
