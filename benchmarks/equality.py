"""Compares the results of two checkouts of this project bit for bit, on small runs.

    python -m benchmarks.equality --before=CHECKOUT [--after=.] [--runs=NAME,...]
    python -m benchmarks.equality --before=CHECKOUT --record=baseline.json
    python -m benchmarks.equality --baseline=baseline.json [--after=.]

Runs the scripts of each checkout in subprocesses, on files made from the bundled sample, with a
fixed seed and one CPU thread. It compares the bytes of each array in `model.weights.h5`, the
metrics in `metrics.json` (without times), and the predictions. The first form runs both checkouts;
the second records the results of one, with which the third compares. A recorded baseline is valid
only for its machine and library versions: a note lists differences in these.

Prints a table with one row per run: how many arrays and how many metrics are equal, of how many,
and the verdict. Below it, each difference is listed. The exit status is 1 if there are any.
"""

import argparse
import fnmatch
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.equality_inputs import write_inputs
from benchmarks.lib.equality_record import record
from benchmarks.lib.equality_runs import RUNS

ROOT = Path(__file__).parents[1]
MAX_DIFFERENCES = 6  # of each run, that are printed


def main() -> int:
    """Runs the command and returns the exit status."""
    arguments = _arguments()
    names = [name for name in RUNS if _matches(name, arguments.runs)]
    if not names:
        sys.exit(f"error: --runs={arguments.runs}: no such run; there are {', '.join(RUNS)}")
    if arguments.baseline:
        before = json.loads(arguments.baseline.read_text(encoding="utf-8"))
        names = [name for name in names if name in before["runs"]]
    with tempfile.TemporaryDirectory(prefix="equality-") as name:
        folder = Path(name)
        write_inputs(ROOT / "data", folder / "inputs")
        if not arguments.baseline:
            python = arguments.before_python
            before = record(arguments.before, python, names, folder, "before")
        if arguments.record:
            _write_json(arguments.record, before)
            return int(any("error" in run for run in before["runs"].values()))
        after = record(arguments.after, arguments.after_python, names, folder, "after")
    rows = [compare(name, before["runs"][name], after["runs"][name]) for name in names]
    print(table(rows))
    for note in notes(before, after):
        print(f"note: {note}")
    if arguments.output:
        _write_json(arguments.output, {"before": before, "after": after, "rows": rows})
    return int(any(row["differences"] for row in rows))


def compare(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Compares the results of a run.

    Args:
        name: the name of the run.
        before: its entry in the "runs" of `record`, with the old code.
        after: its entry with the new code.

    Returns:
        A row of the table: "run", "weights" and "metrics" (how many are equal, of how many), and
        "differences", one message for each.
    """
    errors = [f"{side}: {run['error']}" for side, run in (("before", before), ("after", after))
              if "error" in run]  # fmt: skip
    if before["arguments"] != after["arguments"]:
        errors.append("the two sides ran with different options: record the baseline again")
    if errors:
        return {"run": name, "weights": "-", "metrics": "-", "differences": errors}
    row: dict[str, Any] = {"run": name, "differences": []}
    for kind in ("weights", "metrics"):
        sides = before[kind], after[kind]
        if kind == "metrics":
            sides = dict(_leaves(before[kind])), dict(_leaves(after[kind]))
        paths = sorted(sides[0].keys() | sides[1].keys())
        different = [path for path in paths if not _same(path, *sides)]
        row[kind] = f"{len(paths) - len(different)} of {len(paths)}"
        row["differences"] += [f"{kind} {path}: {_told(path, *sides)}" for path in different]
    return row


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of `compare` as a Markdown table, followed by the differences."""
    lines = ["| run | weights equal | metrics equal | |", "|---|---|---|---|"]
    for row in rows:
        verdict = "**different**" if row["differences"] else "equal"
        lines.append(f"| {row['run']} | {row['weights']} | {row['metrics']} | {verdict} |")
    for row in rows:
        differences = row["differences"]
        lines += [f"{row['run']}: {text}" for text in differences[:MAX_DIFFERENCES]]
        if len(differences) > MAX_DIFFERENCES:
            lines.append(f"{row['run']}: {len(differences) - MAX_DIFFERENCES} more differences")
    return "\n".join(lines)


def notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yields differences in inputs and environment, which may explain different results."""
    if before["inputs"] != after["inputs"]:
        yield "the input files differ: the bundled sample or how they are made has changed"
    for key, value in before["environment"].items():
        other = after["environment"].get(key)
        if value != other:
            yield f"{key}: {value} before, {other} after"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.equality", description=__doc__.splitlines()[0]
    )
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--before", type=Path, help="the checkout of the code before the change")
    start.add_argument("--baseline", type=Path, help="a file of --record, in place of --before")
    parser.add_argument("--before_python", type=Path, help="default: CHECKOUT/.venv/bin/python")
    parser.add_argument("--after", type=Path, default=Path(), help="default: this folder")
    parser.add_argument("--after_python", type=Path, help="default: that of --after's .venv")
    parser.add_argument("--runs", default="*", help="names with commas, * and ?; default: all")
    parser.add_argument("--record", type=Path, help="run --before alone and write this file")
    parser.add_argument("--output", type=Path, help="write both sides and the rows as JSON")
    arguments = parser.parse_args()
    if arguments.record and arguments.baseline:
        parser.error("--record is for --before, not for --baseline")
    return arguments


def _matches(name: str, patterns: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split(","))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the path and value of each number and string in nested lists and dictionaries."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{path}[{index}]")
    else:
        yield path, value


def _same(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return path in before and path in after and before[path] == after[path]


def _told(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if path not in before or path not in after:
        return f"only {'after' if path in after else 'before'}"
    texts = []
    for value in (before[path], after[path]):
        if isinstance(value, dict):
            value = f"{value['dtype']} {value['shape']} {value['sha256'][:12]}"
        texts.append(str(value))
    return f"{texts[0]} before, {texts[1]} after"


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
