"""Signals that ask a run to stop."""

import os
import signal

import pytest

from common.errors import StoppedError


def test_a_second_ctrl_c_ends_at_once(monkeypatch):
    from training.loop import interruption

    ended = []
    monkeypatch.setattr(interruption.os, "_exit", ended.append)
    with interruption.Interruption() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert ended == []
        os.kill(os.getpid(), signal.SIGINT)
        assert ended == [130]


def test_a_signal_while_nobody_reads_standard_error(monkeypatch):
    # Ctrl-C has ended the reader of `2>&1 | tee log`.
    from training.loop import interruption

    def fail(number, text):
        raise BrokenPipeError

    monkeypatch.setattr(interruption.os, "write", fail)
    with interruption.Interruption() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested


def test_a_terminal_that_is_closed(request):
    from training.loop.interruption import Interruption

    # It is ignored where the tests run under `nohup`.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    with Interruption() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(StoppedError, match="SIGHUP"):
            stop.check()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    # `nohup`
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruption() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.requested
