"""Performs the runs of `benchmarks.equality` with one checkout and records their results."""

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from benchmarks.lib.checkouts import arguments_for
from benchmarks.lib.equality_runs import RUNS, with_dependencies

METRICS = ("history", "best_epoch", "thresholds", "test")
LIBRARIES = ("h5py", "keras", "numpy", "scikit-learn", "tensorflow")
# The order of a sum depends on the number of threads, and on a GPU it is random. LinearSVC in
# several threads is not reproducible either: they share liblinear's random generator.
_ONE_THREAD = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "LOKY_MAX_CPU_COUNT": "1",  # joblib's threads
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


def record(
    checkout: Path, python: Path | None, names: Sequence[str], folder: Path, side: str
) -> dict[str, Any]:
    """Performs the runs with the code of a checkout.

    Args:
        checkout: the root folder of the code.
        python: the interpreter; None for that of the checkout's `.venv`.
        names: keys of `RUNS`; the runs on which they depend are included.
        folder: contains `inputs`; all output goes to its subfolder `side`.
        side: "before" or "after"; also shown in the progress.

    Returns:
        "version" and "commit" of the code, "environment", "inputs" (a digest), and "runs": for each
        run its "arguments", "weights", "metrics" and "seconds"; or "error" if it failed.
    """
    checkout = checkout.absolute()
    # Not resolved: the interpreter of a virtual environment is a link, by whose path it is found.
    python = (python or checkout / ".venv" / "bin" / "python").absolute()
    with (checkout / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    work = folder / side
    work.mkdir()
    places = {"inputs": str(folder / "inputs"), "work": str(work)}
    places |= {name: str(work / name) for name in RUNS}
    runs: dict[str, dict[str, Any]] = {}
    for name in with_dependencies(names):
        began = time.monotonic()
        filled = [argument.format(**places, out=work / name) for argument in RUNS[name]]
        process = subprocess.run(
            [python, *arguments_for(version, filled)],
            cwd=checkout,
            env=os.environ | _ONE_THREAD,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        runs[name] = {"arguments": list(RUNS[name])}
        if process.returncode:
            error = process.stderr.strip().splitlines() or ["no message"]
            runs[name]["error"] = f"exit status {process.returncode}: {error[-1]}"
            print(f"{side}: {name} failed\n{process.stderr[-3000:]}", file=sys.stderr)
        else:
            runs[name] |= results(work / name)
        runs[name]["seconds"] = round(time.monotonic() - began, 1)
        print(f"{side}: {name} ({runs[name]['seconds']:.0f} s)", file=sys.stderr, flush=True)
    return {
        "version": version,
        "commit": _commit(checkout),
        "environment": _environment(python),
        "inputs": _digest_of_folder(folder / "inputs"),
        "runs": runs,
    }


def results(out: Path) -> dict[str, Any]:
    """Reads the output of a run: a checkpoint folder `out`, or predictions in `out.jsonl`.

    Returns:
        "weights": "shape", "dtype" and "sha256" of each array by its path in the file;
        "metrics": the metrics to compare, or the predictions.
    """
    predictions = out.with_name(f"{out.name}.jsonl")
    if predictions.exists():
        lines = predictions.read_text(encoding="utf-8").splitlines()
        return {"weights": {}, "metrics": {"predictions": [json.loads(line) for line in lines]}}
    weights: dict[str, dict[str, Any]] = {}

    def digest(path: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            values = item[()]
            weights[path] = {
                "shape": list(values.shape),
                "dtype": str(values.dtype),
                "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
            }

    with h5py.File(out / "model.weights.h5") as file:
        file.visititems(digest)
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return {
        "weights": weights,
        "metrics": {key: _timeless(metrics[key]) for key in METRICS if key in metrics},
    }


def _timeless(value: Any) -> Any:
    """Removes entries that are times."""
    if isinstance(value, dict):
        return {key: _timeless(entry) for key, entry in value.items() if "seconds" not in key}
    return [_timeless(entry) for entry in value] if isinstance(value, list) else value


def _commit(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"]
    process = subprocess.run(command, capture_output=True, text=True)
    return process.stdout.strip() or "unknown"


def _environment(python: Path) -> dict[str, str]:
    """The processor and the library versions, on which the last bits of a sum may depend."""
    code = (
        "import importlib.metadata as m, json, platform, sys; "
        "print(json.dumps({'python': platform.python_version()} "
        "| {name: m.version(name) for name in sys.argv[1:]}))"
    )
    command = [str(python), "-c", code, *LIBRARIES]
    versions = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {"processor": _processor(), **versions}


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _digest_of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
