import sys

import numpy as np
import pytest

from benchmarks.lib.measuring import Sample, in_turn, markdown, needed, peak_of, summary


def test_the_sides_take_turns():
    done = []

    def side(name):
        return lambda: done.append(name) or 3.0

    samples = in_turn({"a": side("a"), "b": side("b")}, rounds=3)
    assert "".join(done) == "ab" + "ab" * 3
    assert [one.units for one in samples["b"]] == [3.0] * 3


def test_medians_and_ratios():
    samples = {
        "ours": [Sample(100, 1, 2), Sample(100, 1, 1), Sample(100, 4, 4)],
        "theirs": [Sample(10, 1, 2), Sample(10, 1, 2), Sample(10, 8, 4)],
    }
    ours, theirs = summary(samples, "ours")
    # Rates 50, 100, 25 and 5, 5, 2.5: ratios 10, 20, 10.
    assert ours["per_cpu_second"] == 50
    assert theirs["per_cpu_second"] == 5
    assert (ours["per_second"], theirs["per_second"]) == (100, 10)
    assert (ours["ours_times_as_fast"], theirs["ours_times_as_fast"]) == (1, 10)


def test_a_table():
    rows = [{"side": "ours", "per_second": 1234.5}, {"side": "b", "per_second": 0.01234}]
    assert markdown(rows).splitlines() == [
        "| side | per second |",
        "|---|---|",
        "| ours | 1,234 |",
        "| b | 0.0123 |",
    ]
    assert markdown([{"a": 1}, {"b": "x"}]).splitlines()[2:] == ["| 1 |  |", "|  | x |"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_counts_children():
    allocate = "import time; block = b'x' * 200_000_000; time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {allocate!r}])"
    figures = peak_of([sys.executable, "-c", parent])
    assert 200 < figures["peak_mb"] < 300
    assert figures["seconds"] >= 1


def test_a_command_that_fails_ends_the_benchmark():
    with pytest.raises(SystemExit, match="no such thing"):
        peak_of([sys.executable, "-c", "raise ValueError('no such thing')"])


def test_a_peer_that_is_missing_is_named_with_the_command():
    with pytest.raises(SystemExit, match=r"not_a_peer.*pip install something"):
        needed("not_a_peer", "pip install something")
    assert needed("numpy", "") is np
