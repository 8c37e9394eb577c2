"""Other systems than Linux, as far as they can be simulated on it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import parallel


@pytest.mark.skipif(sys.platform != "linux", reason="this is simulated on Linux")
def test_the_small_road_with_what_windows_has(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("like_windows.py")), str(tmp_path)]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert found.returncode == 0, found.stderr
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 40
    assert all(json.loads(line)["labels"] for line in lines)
    assert os.listdir(tmp_path / "export") == ["1"]
    # Nothing unfinished is left, and no lock.
    names = [path.name for path in tmp_path.rglob("*")]
    assert not [name for name in names if name.startswith(".")]


@pytest.mark.parametrize(
    ("has", "cores"),
    [
        ({"process_cpu_count": lambda: 3, "sched_getaffinity": lambda process: {0, 1}}, 3),
        ({"process_cpu_count": lambda: None}, 1),
        ({"sched_getaffinity": lambda process: {4, 5}, "cpu_count": lambda: 8}, 2),
        ({"cpu_count": lambda: 8}, 8),
        ({"cpu_count": lambda: None}, 1),
    ],
)
def test_cores(monkeypatch, has, cores):
    for name in ("process_cpu_count", "sched_getaffinity", "cpu_count"):
        monkeypatch.delattr(os, name, raising=False)
    for name, function in has.items():
        monkeypatch.setattr(os, name, function, raising=False)
    assert parallel.usable_cores() == cores
