"""Measures several sides alternately, and reports medians and ratios."""

import argparse
import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        units: the number of documents, tokens or steps processed.
        wall: seconds of wall time.
        cpu: seconds of processor time of this process and of its completed children.
    """

    units: float
    wall: float
    cpu: float


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What a function returns, and the processor seconds that it and its processes took."""
    began = _cpu_seconds()
    found = work()
    return found, _cpu_seconds() - began


def measured(work: Callable[[], float]) -> Sample:
    """Times a function that returns the number of units that it processed."""
    began = time.perf_counter()
    units, cpu = timed(work)
    return Sample(units, time.perf_counter() - began, cpu)


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[Sample]]:
    """Measures the sides alternately, `rounds` times: A B A B.

    Thus other load on the machine affects all sides alike. Each side first runs once unmeasured, to
    compile and to fill caches.

    Args:
        sides: functions that return the number of units that they processed, by name.
        rounds: the number of measurements of each side.
    """
    for work in sides.values():
        work()
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            samples[name].append(measured(work))
    return samples


def summary(samples: Mapping[str, Sequence[Sample]], ours: str) -> list[dict[str, Any]]:
    """The rows of a table, one per side: median rates, and how many times as fast `ours` is.

    The latter is the median of the rounds' ratios of processor time.
    """
    rows = []
    for name, own in samples.items():
        ratios = [
            (our.units / our.cpu) / (one.units / one.cpu)
            for our, one in zip(samples[ours], own, strict=True)
        ]
        rows.append(
            {
                "side": name,
                "per_cpu_second": statistics.median(one.units / one.cpu for one in own),
                "per_second": statistics.median(one.units / one.wall for one in own),
                "ours_times_as_fast": statistics.median(ratios),
                "rounds": len(own),
            }
        )
    return rows


def needed(module: str, command: str) -> ModuleType:
    """Imports a library, or ends the program with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        sys.exit(
            f"error: this benchmark needs {module}, which is not installed: {command}\n({error})"
        )


def machine() -> dict[str, Any]:
    """Describes the machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def report(name: str, arguments: argparse.Namespace, tables: Mapping[str, list[dict]]) -> None:
    """Writes `NAME.json` into the folder `--out` and prints the tables as Markdown."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = {key: str(value) for key, value in vars(arguments).items()}
    content = {"machine": machine(), "settings": settings, "tables": dict(tables)}
    path = arguments.out / f"{name}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for title, rows in tables.items():
        print(f"\n**{title}**\n\n{markdown(rows)}")
    print(f"\n{json.dumps(machine(), ensure_ascii=False)}\nin {path}")


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Formats rows as a Markdown table; rows may lack some of the columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |"]
    lines.append("|" + "---|" * len(names))
    lines += ["| " + " | ".join(_text(row.get(name, "")) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def peak_of(command: Sequence[str]) -> dict[str, float]:
    """Runs a command and measures its time and peak memory, including its children.

    Memory is the proportional set size, which counts shared pages once, without pages of mapped
    files, which the system can drop.

    Returns:
        "peak_mb" and "seconds".
    """
    began, peak, ended = time.perf_counter(), [0.0], threading.Event()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def watch() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], _tree_megabytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    errors = process.communicate()[1].decode(errors="replace")
    ended.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} failed:\n{errors[-2000:]}")
    return {"peak_mb": peak[0], "seconds": time.perf_counter() - began}


def _cpu_seconds() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _tree_megabytes(root: int) -> float:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may contain spaces.
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    tree, found = {root}, {root}
    while found:
        found = {child for child, parent in parents.items() if parent in found} - tree
        tree |= found
    return sum(_megabytes(process) for process in tree)


def _megabytes(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    sizes = dict(line.split()[:2] for line in lines[1:])
    return (int(sizes.get("Pss:", 0)) - int(sizes.get("Pss_File:", 0))) / 1000


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
