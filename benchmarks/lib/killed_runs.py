"""Runs scripts in forked processes that can be killed, and inspects their folders afterwards."""

import json
import os
import runpy
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]
_TIMES = ("seconds",)
# Tolerance of metrics: sums in another order differ in the last digits.
_TOLERANCE = 1e-5


class ScriptProcess:
    """Runs a script in a fork of this process, in which the libraries are already loaded.

    Args:
        arguments: the script and its options.
        log: the file to which its output is appended.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._pid: int | None = os.fork() or None
        if self._pid is None:
            _run_script([*arguments], log)

    def kill(self) -> None:
        """Sends SIGKILL and waits for the end, unless that was done before."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            self._wait()

    def has_ended(self) -> bool:
        """Whether the process has ended; returns immediately."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return self._pid is None or os.waitid(os.P_PID, self._pid, options) is not None

    def finish(self) -> None:
        """Waits until the process ends.

        Raises:
            RuntimeError: the exit status is not 0.
        """
        if self._wait() != 0:
            raise RuntimeError(f"a run that was not killed failed: {self.log.read_text()}")

    def _wait(self) -> int:
        if self._pid is None:
            return 0
        pid, self._pid = self._pid, None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run_script(arguments: list[str], log: Path) -> None:
    status = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.argv = arguments
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


def is_half_written(folder: Path) -> bool:
    """Whether the run in `folder` was killed while it wrote a checkpoint."""
    return any(any(place.glob(".complete*")) for place in (folder, folder / "last"))


def training_state(folder: Path) -> dict[str, Any]:
    """The training state of the checkpoint in `last/`; empty if there is none."""
    for place in (folder / "last" / ".complete", folder / "last"):
        try:
            return json.loads((place / "training_state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
    return {}


def last_logged_step(folder: Path) -> int:
    """The last step in the newest TensorBoard file, which may be truncated; 0 if there is none.

    A record consists of its length (uint64), a checksum of the length (uint32), an `Event` protocol
    buffer of that length, and its checksum (uint32).
    """
    from tensorboard.compat.proto.event_pb2 import Event

    files = sorted(folder.glob("logs/*/train/events.*"))
    data = files[-1].read_bytes() if files else b""
    step, start = 0, 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        if start + 12 + length + 4 > len(data):
            break
        event = Event.FromString(data[start + 12 : start + 12 + length])
        if event.HasField("summary"):
            step = event.step
        start += 12 + length + 4
    return step


def largest_difference(path: Path, expected: Path) -> float:
    """The largest absolute difference between the arrays of two HDF5 files.

    Raises:
        RuntimeError: they contain different arrays.
    """
    ours, theirs = _arrays(path), _arrays(expected)
    if ours.keys() != theirs.keys():
        raise RuntimeError(f"{path} and {expected} contain different arrays")
    return max(float(np.abs(ours[key] - theirs[key]).max(initial=0)) for key in ours)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].astype(np.float64)

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    return arrays


def timeless_metrics(folder: Path) -> dict[str, Any]:
    """The content of `metrics.json` without times."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for entry in metrics["history"]:
        for name in _TIMES:
            entry.pop(name)
    return metrics


def nearly_equal(ours: Any, theirs: Any) -> bool:
    """Whether nested dictionaries and lists are equal, apart from the last digits of floats."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            nearly_equal(ours[key], theirs[key]) for key in ours
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(nearly_equal, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= _TOLERANCE
    return bool(ours == theirs)
