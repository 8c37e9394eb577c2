"""`make abuse-test`: a service with honest clients, while other clients abuse it.

    python -m benchmarks.service_abuse --ckpt_dir=checkpoint_lm_save [--seconds=60] [--rounds=2]

Starts `serve.py` with its defaults. In each round `--clients` honest clients send the texts of
`--input`, one after another, alone first and then beside all kinds of clients of
`benchmarks/lib/abusive_clients.py` at once; `/healthz` is asked on new connections all the time. At
last SIGTERM ends the service while it is abused.

Prints a Markdown table and what the abusive clients were answered. The exit status is 1 where
`/healthz` took `--healthz` seconds or more, the honest clients got less than half of their usual
rate in the median round, an honest request failed, the memory grew from the first abuse to the last
by more than a tenth, or the service did not end within `--stop_timeout` seconds.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.lib.abusive_clients import abuse
from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.serving import measure, memory_mb, service_of, start, write_bodies

_SETTLE_SECONDS = 3.0
_PROBE_SECONDS = 0.1
_STOP_MARGIN = 1.0  # for the interpreter to end


def main() -> int:
    """Runs the rounds; returns the exit status."""
    options = parser(__doc__, data="none")
    options.add_argument("--ckpt_dir", type=Path, default=Path("checkpoint_lm_save"))
    options.add_argument("--input", type=Path, default=Path("data/sample_test.txt"))
    options.add_argument("--seconds", type=float, default=60, help="of abuse, in all rounds")
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--clients", type=int, default=4, help="honest clients")
    options.add_argument("--healthz", type=float, default=1.0, help="the longest answer, seconds")
    options.add_argument("--stop_timeout", type=float, default=5.0)
    options.add_argument("--abuse", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.abuse:
        asyncio.run(abuse(arguments.abuse))
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_bodies(arguments.ckpt_dir, arguments.input, folder / "bodies")
        stop = f"--stop_timeout={arguments.stop_timeout:g}"
        log, command = folder / "log", service_of(arguments.ckpt_dir, stop)
        address, process = start(stack, log, command)
        clients, seconds = arguments.clients, arguments.seconds / arguments.rounds
        measure(address, clients, 3, folder)  # a warm-up
        for number in range(arguments.rounds):
            usual = _measured(address, clients, seconds / 2, folder, process.pid)
            rows.append({"round": number + 1, "clients": "honest", **usual})
            with _abused(address, folder / "answers"):
                time.sleep(_SETTLE_SECONDS)
                abused = _measured(address, clients, seconds, folder, process.pid)
                rows.append({"round": number + 1, "clients": "honest and abusive", **abused})
                print(*rows[-2:], sep="\n", file=sys.stderr, flush=True)
                if number + 1 == arguments.rounds:
                    began = time.monotonic()
                    process.terminate()
                    process.wait()
                    ended = time.monotonic() - began
        lines = len(log.read_text().splitlines())
        answers = (folder / "answers").read_text().splitlines()[-1]
    print(markdown(rows))
    ratio, problems = _judged(rows, arguments)
    if ended > arguments.stop_timeout + _STOP_MARGIN:
        problems.append(f"the service ended after {ended:.1f} s")
    print(
        f"\nrate under abuse: {ratio:.2f} of the usual one (median of the rounds); ended "
        f"{ended:.1f} s after SIGTERM, with --stop_timeout={arguments.stop_timeout:g}; lines in "
        f"its log: {lines}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
        f"answers to the abusive clients in the last round: {answers}"
    )
    print(*(f"missed: {problem}" for problem in problems), sep="\n")
    return int(bool(problems))


def _measured(address: str, clients: int, seconds: float, folder: Path, pid: int) -> dict[str, Any]:
    """Loads the service with honest clients and asks for its health meanwhile."""
    with _probed(address) as times:
        found = measure(address, clients, seconds, folder)
    return {
        "requests/s": found["requests"] / found["seconds"],
        "p50 ms": found["p50"],
        "p99 ms": found["p99"],
        "failed": found["errors"],
        "/healthz at most, s": max(times),
        "MB": round(memory_mb(pid)),
    }


@contextmanager
def _probed(address: str) -> Iterator[list[float]]:
    """Asks for the health on new connections; gives the seconds that the answers took."""
    times: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        while not ended.wait(_PROBE_SECONDS):
            began = time.monotonic()
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=60) as answer:
                    answer.read()
            except OSError as error:
                print(f"/healthz: {error!r}", file=sys.stderr)
                times.append(float("inf"))
            times.append(time.monotonic() - began)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join()


@contextmanager
def _abused(address: str, answers: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.service_abuse", "--abuse", address]
    with answers.open("w") as file, subprocess.Popen(command, stdout=file) as process:
        try:
            yield
        finally:
            process.kill()


def _judged(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> tuple[float, list[str]]:
    """The rate under abuse as a fraction of the usual one, and what missed its target."""
    usual, abused = rows[::2], rows[1::2]
    ratio = statistics.median(
        under["requests/s"] / alone["requests/s"]
        for alone, under in zip(usual, abused, strict=True)
    )
    problems = []
    if ratio < 0.5:
        problems.append(f"honest clients got {ratio:.2f} of their usual rate")
    if (longest := max(row["/healthz at most, s"] for row in abused)) >= arguments.healthz:
        problems.append(f"/healthz took {longest:.2f} s")
    if failed := sum(row["failed"] for row in abused):
        problems.append(f"{failed} honest requests failed")
    if abused[-1]["MB"] > 1.1 * abused[0]["MB"]:
        problems.append(f"the memory grew from {abused[0]['MB']} to {abused[-1]['MB']} MB")
    return ratio, problems


if __name__ == "__main__":
    sys.exit(main())
