"""Measures the runtime without TensorFlow, and the checkpoint beside it.

    python -m benchmarks.light_runtime --ckpt_dir=CLASSIFIER [--input=FILE] [--documents=1000]
        [--rounds=3] [--seconds=5] [--venv=FOLDER]

Exports the checkpoint to ONNX, in float and in int8, and installs `.[runtime]` into a new virtual
environment (into `--venv`, if it is given and does not exist yet; otherwise that one is used).
There `bert-predict --exported` and `bert-serve --exported` run in turn with `predict.py` and
`serve.py` on the checkpoint, `--rounds` times.

Prints a Markdown table with one row for each: what is installed, in MB (without pip, which any
environment has); seconds from the start of the command to its end for one text, by the clock and of
processor time; documents of `--input` per second of processor time, without the start of the
command; requests from eight clients per second, by the clock and of processor time; the memory of
the service afterwards; and how many documents get the same labels as from the checkpoint. Times and
rates are the best of all rounds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown, measured
from benchmarks.lib.runs import run
from benchmarks.serving import cpu_seconds, measure, memory_mb, start, write_bodies

CLIENTS = 8


@dataclass
class Side:
    """A way to run the model.

    Attributes:
        predict, serve: the commands, without their input.
        installed: MB.
        first, first_cpu: seconds for one text, the fewest of all rounds.
        documents: per second of processor time, the most of all rounds.
        requests, cpu_requests: per second, by the clock and of processor time of the service, the
            most of all rounds.
        memory: of the service in MB, the most of all rounds.
        labels: of each document.
    """

    predict: list[str]
    serve: list[str]
    installed: float
    first: float = float("inf")
    first_cpu: float = float("inf")
    documents: float = 0.0
    requests: float = 0.0
    cpu_requests: float = 0.0
    memory: float = 0.0
    labels: list[Any] = field(default_factory=list)


def main() -> None:
    """Installs, exports, measures and prints the table."""
    options = parser(__doc__, data="none")
    options.add_argument("--ckpt_dir", type=Path, default=Path("checkpoint_lm_save"))
    options.add_argument("--input", type=Path, default=Path("data/sample_test.txt"))
    options.add_argument("--documents", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=5, help="of requests in each round")
    options.add_argument("--venv", type=Path, help="the environment of the light runtime")
    arguments = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        venv = (arguments.venv or folder / "venv").absolute()
        if not venv.exists():
            install(venv)
        sides = sides_of(arguments, folder, venv)
        write_inputs(arguments, folder)
        services = {}
        for name, side in sides.items():
            services[name] = start(stack, folder / f"{name}.log", [*side.serve, "--port=0"])
            measure(services[name][0], CLIENTS, 2, folder)  # a warm-up
        for _ in range(arguments.rounds):
            for name, side in sides.items():
                measure_once(side, *services[name], folder, arguments.seconds)
                print(name, side.first, side.documents, side.requests, file=sys.stderr, flush=True)
    expected = sides["checkpoint"].labels
    print(f"\n{markdown([row_of(name, side, expected) for name, side in sides.items()])}")


def install(venv: Path) -> None:
    """Makes a virtual environment with the light runtime alone."""
    run("-m", "venv", str(venv))
    subprocess.run([venv / "bin" / "pip", "install", "--quiet", ".[runtime]"], check=True)


def sides_of(arguments: argparse.Namespace, folder: Path, venv: Path) -> dict[str, Side]:
    """The checkpoint in this environment, and its exports in the light one."""
    checkpoint = str(arguments.ckpt_dir)
    predict, serve = ([sys.executable, f"{name}.py"] for name in ("predict", "serve"))
    model = f"--ckpt_dir={checkpoint}"
    everything = installed_mb(Path(sys.prefix))
    sides = {"checkpoint": Side([*predict, model], [*serve, model], everything)}
    for quantize in ("none", "int8"):
        out = folder / quantize
        export = ["-m", "conversion.export", checkpoint, str(out), "--format=onnx"]
        run(*export, f"--quantize={quantize}")
        name = "ONNX" if quantize == "none" else "ONNX, int8"
        commands = ([str(venv / "bin" / f"bert-{name}")] for name in ("predict", "serve"))
        predict, serve = ([*command, f"--exported={out}"] for command in commands)
        sides[name] = Side(predict, serve, installed_mb(venv))
    return sides


def installed_mb(venv: Path) -> float:
    """The size of what is installed in a virtual environment, without pip and setuptools."""
    (packages,) = venv.glob("lib/python*/site-packages")
    own = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
    files = (
        path
        for top in packages.iterdir()
        if top.name.partition("-")[0] not in own
        for path in ([top] if top.is_file() else top.rglob("*"))
    )
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def write_inputs(arguments: argparse.Namespace, folder: Path) -> None:
    """Writes the documents, the first of them alone, and the bodies of requests."""
    from data_util.reading.documents import read_texts

    with arguments.input.open("rb") as file:
        documents = islice(read_texts(file, str(arguments.input)), arguments.documents)
        lines = [f"{json.dumps({'text': document.text})}\n" for document in documents]
    (folder / "all.jsonl").write_text("".join(lines))
    (folder / "one.jsonl").write_text(lines[0])
    write_bodies(arguments.ckpt_dir, arguments.input, folder / "bodies")


def measure_once(
    side: Side, address: str, process: subprocess.Popen, folder: Path, seconds: float
) -> None:
    """One round of one side."""
    one = measured(lambda: len(labelled(side.predict, folder / "one.jsonl")))
    side.first, side.first_cpu = min(side.first, one.wall), min(side.first_cpu, one.cpu)
    lines: list[str] = []

    def label_all() -> float:
        lines[:] = labelled(side.predict, folder / "all.jsonl")
        return len(lines)

    several = measured(label_all)
    side.documents = max(side.documents, several.units / (several.cpu - side.first_cpu))
    side.labels = [[each["label"] for each in json.loads(line)["labels"]] for line in lines]
    before = cpu_seconds(process.pid)
    found = measure(address, CLIENTS, seconds, folder)
    cpu = cpu_seconds(process.pid) - before
    if found["errors"]:
        sys.exit(f"{found['errors']} requests failed")
    side.requests = max(side.requests, found["requests"] / found["seconds"])
    side.cpu_requests = max(side.cpu_requests, found["requests"] / cpu)
    side.memory = max(side.memory, memory_mb(process.pid))


def labelled(command: list[str], path: Path) -> list[str]:
    """The results of the command, a line each."""
    done = subprocess.run([*command, f"--input={path}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def row_of(name: str, side: Side, expected: list[Any]) -> dict[str, Any]:
    """The row of the table."""
    same = sum(ours == theirs for ours, theirs in zip(side.labels, expected, strict=True))
    return {
        "model": name,
        "installed MB": round(side.installed),
        "s for one text": f"{side.first:.2f}",
        "CPU s for one text": f"{side.first_cpu:.2f}",
        "documents per CPU s": round(side.documents),
        "requests/s": round(side.requests),
        "requests per CPU s": round(side.cpu_requests),
        "MB of the service": round(side.memory),
        "same labels": f"{same / len(expected):.1%}",
    }


if __name__ == "__main__":
    main()
