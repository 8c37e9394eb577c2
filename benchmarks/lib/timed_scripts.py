"""Runs scripts in this process, one after another, and times them; see `benchmarks.speed_ratio`.

    python timed_scripts.py COMMANDS.json TIMES.json

`COMMANDS.json` is a list of commands, each a list of a script in the current folder and its
options. For each command, `TIMES.json` gets the times "total" and "fits", a list with one entry per
call of `keras.Model.fit`. A time is [seconds of processor time, seconds of wall time]. This file
does not import the project, so that it runs in a checkout of any version.
"""

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def timed(work: Callable[..., Any], times: list[tuple[float, float]]) -> Callable[..., Any]:
    """Wraps a function; each call appends its processor time and its wall time to `times`."""

    def run(*arguments: Any, **named: Any) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            return work(*arguments, **named)
        finally:
            times.append((time.process_time() - cpu, time.perf_counter() - wall))

    return run


def run_script(command: list[str]) -> None:
    """Runs a script like `python SCRIPT ...`; ends this program if it fails."""
    sys.argv = command
    try:
        runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise


def main(commands: Path, report: Path) -> None:
    """Runs the commands and writes the times."""
    # As if the script in the current folder had been started directly.
    sys.path[0] = os.getcwd()
    import keras

    fit, results = keras.Model.fit, []
    for command in json.loads(commands.read_text(encoding="utf-8")):
        totals: list[tuple[float, float]] = []
        fits: list[tuple[float, float]] = []
        keras.Model.fit = timed(fit, fits)
        timed(run_script, totals)(command)
        results.append({"total": totals[0], "fits": fits})
    report.write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
