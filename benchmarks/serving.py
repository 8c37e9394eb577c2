"""Measures the service under load, with and without micro-batching.

    python -m benchmarks.serving --ckpt_dir=checkpoint_lm_save [--seconds=20] [--input=FILE]

The checkpoint may be of any task: `--input` is a file that `predict.py` reads with it. Starts
`serve.py` twice, with its defaults and with `--max_batch_size=1`. 1, 8 and 64 clients send the
inputs of that file, one after another, to each service in turn, for `--seconds`. The clients run
in a separate process: `wrk` if it is installed, otherwise asyncio tasks.

Prints a Markdown table with one row per service and number of clients: requests per second, the
median and the 99th percentile of the latency, failed requests, and the memory of the service before
and after.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown

CLIENTS = (1, 8, 64)
TEXTS = 500
WRK_SCRIPT = """
local bodies = {}
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
local turn = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  turn = turn % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end
function done(summary, latency)
  local e = summary.errors
  local format = 'RESULT {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\\n'
  io.write(string.format(format,
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def main() -> None:
    """Starts both services, loads them in turn and prints the table."""
    options = parser(__doc__, data="none")
    options.add_argument("--ckpt_dir", type=Path, default=Path("checkpoint_lm_save"))
    options.add_argument("--input", type=Path, default=Path("data/sample_test.txt"))
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--load", nargs=4, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.load:
        address, clients, seconds, bodies = arguments.load
        print(f"RESULT {json.dumps(load(address, int(clients), float(seconds), Path(bodies)))}")
        return
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_bodies(arguments.ckpt_dir, arguments.input, folder / "bodies")
        services = {}
        for name, choice in {"micro-batches": [], "one by one": ["--max_batch_size=1"]}.items():
            command = service_of(arguments.ckpt_dir, *choice)
            services[name] = start(stack, folder / f"{name}.log", command)
            measure(services[name][0], 4, 2, folder)  # a warm-up
        for clients in CLIENTS:
            for name, (address, process) in services.items():
                before = memory_mb(process.pid)
                found = measure(address, clients, arguments.seconds, folder)
                row = {"clients": clients, "service": name}
                row |= {"requests/s": round(found["requests"] / found["seconds"])}
                row |= {f"{key} ms": f"{found[key]:.1f}" for key in ("p50", "p99")}
                row |= {"errors": found["errors"], "MB before": round(before)}
                rows.append({**row, "MB after": round(memory_mb(process.pid))})
                print(rows[-1], file=sys.stderr, flush=True)
    by = "wrk" if shutil.which("wrk") else "asyncio"
    print(f"\nclients: {by}\n\n{markdown(rows)}")


def write_bodies(checkpoint: Path, source: Path, target: Path) -> None:
    """Writes one request body per line, each with one input of the checkpoint's task.

    Args:
        checkpoint: a checkpoint that has a task.
        source: the inputs, in a format that the task reads.
        target: the file of bodies.
    """
    from models.checkpoints.folder import read_checkpoint
    from tasks.loading import load_task

    task = load_task(read_checkpoint(checkpoint), pretrained=True)
    with source.open("rb") as file:
        lines = (line for line in task.read(file, str(source)) if line.record is not None)
        values = [task.values(line.record) for line in islice(lines, TEXTS)]
    # An input of one text is sent as the text itself.
    texts = list(task.fields.values()) == [str]
    inputs = [next(iter(each.values())) if texts else each for each in values]
    target.write_text("".join(f"{json.dumps({'input': each})}\n" for each in inputs))


def service_of(checkpoint: Path, *options: str) -> list[str]:
    """The command that serves a checkpoint."""
    return [sys.executable, "serve.py", f"--ckpt_dir={checkpoint}", "--port=0", *options]


def start(stack: ExitStack, log: Path, command: list[str]) -> tuple[str, subprocess.Popen]:
    """Starts a service on any free port; returns its address and its process."""
    process = subprocess.Popen(command, stderr=stack.enter_context(log.open("wb")))
    stack.callback(process.wait)
    stack.callback(process.terminate)
    while process.poll() is None:
        if found := re.search(r"listening on (http://\S+)", log.read_text()):
            return found[1], process
        time.sleep(0.2)
    sys.exit(log.read_text())


def measure(address: str, clients: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Runs the clients in another process; see `load`."""
    bodies = folder / "bodies"
    if shutil.which("wrk"):
        script = folder / "load.lua"
        script.write_text(WRK_SCRIPT.replace("BODIES", str(bodies)))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout=60s"]
        command += ["-s", str(script), f"{address}/v1/predict"]
    else:
        command = [sys.executable, "-m", "benchmarks.serving", "--load"]
        command += [address, str(clients), str(seconds), str(bodies)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = re.search(r"RESULT (.*)", output)
    if result is None:
        sys.exit(output)
    return json.loads(result[1])


def load(address: str, clients: int, seconds: float, bodies: Path) -> dict[str, Any]:
    """Runs the clients without wrk: each sends a request, reads the response and sends the next.

    Args:
        address: the URL of the service.
        clients: the number of concurrent clients.
        seconds: for how long they send requests.
        bodies: the file of request bodies.

    Returns:
        "requests" and "seconds"; "p50" and "p99", percentiles of the latency in ms; and "errors".
    """
    url = urlsplit(address)
    requests = [
        f"POST /v1/predict HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        for body in bodies.read_text().splitlines()
    ]
    times: list[float] = []
    errors = 0
    began = time.perf_counter()

    async def client(turn: int) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        while time.perf_counter() - began < seconds:
            sent = time.perf_counter()
            writer.write(requests[turn % len(requests)])
            turn += 1
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = re.search(r"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            times.append(time.perf_counter() - sent)
            errors += " 200 " not in head.partition("\r\n")[0]
        writer.close()

    async def everybody() -> list[BaseException | None]:
        tasks = (client(turn * 7) for turn in range(clients))
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(everybody())  # Before the sum: it counts errors, too.
    errors += sum(outcome is not None for outcome in outcomes)
    took = time.perf_counter() - began
    answered = len(times)
    times = sorted(times) or [float("nan")]
    return {
        "requests": answered,
        "seconds": took,
        "p50": 1e3 * times[len(times) // 2],
        "p99": 1e3 * times[len(times) * 99 // 100],
        "errors": errors,
    }


def memory_mb(pid: int) -> float:
    """The resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1e3 if found else float("nan")


def cpu_seconds(pid: int) -> float:
    """The processor time of a process and its threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
