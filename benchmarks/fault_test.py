"""`make fault-test`: full disks, kills at every rename, and readers, while files are written.

    python -m benchmarks.fault_test [--sizes=20] [--writers=cache,predict]

Everything that this project writes is written again and again: on file systems with room for a part
of it only (each mounted for the purpose, so it needs the permission to mount one; temporary files
go there too), and in processes that are killed at each of their renames and removals of files. Each
try is a process; it must end by itself with status 0, or with status 2 and one line that names the
place. Afterwards what was there before, or what was to replace it, must be there and whole, nothing
half-written may be left, and with room again the next try must succeed. Two processes read a
checkpoint while it is replaced for `--seconds`, and must never see parts of two.

Prints a table and exits with status 1 where a try failed. `make crash-test` kills whole runs;
`make abuse-test` lets clients abuse a service.
"""

import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import parser
from benchmarks.lib.fault_commands import (
    EvaluationWriter,
    PredictionWriter,
    StandardOutputWriter,
    VectorWriter,
    make_checkpoint,
)
from benchmarks.lib.fault_exports import ExportWriter, MovedExportWriter
from benchmarks.lib.fault_writers import (
    CacheWriter,
    CheckpointWriter,
    CurvesWriter,
    FileWriter,
    RunWriter,
    TensorsWriter,
    VocabularyWriter,
)
from benchmarks.lib.faults import Writer, full_disks, kills, publications, temporary_folder
from benchmarks.lib.measuring import markdown

READERS = 2
_GOOD = ("written", "refused", "killed")


def main() -> int:
    """Runs the sweeps; returns the exit status."""
    options = parser(__doc__, data="none")
    options.add_argument("--sizes", type=int, default=20, help="sizes of a full disk")
    options.add_argument("--seconds", type=float, default=20, help="for the readers")
    options.add_argument("--writers", default="", help="parts of names, with commas between")
    arguments = options.parse_args()
    from training.command_line import quiet_libraries

    quiet_libraries()
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    with temporary_folder() as folder:
        chosen = [
            (writer, sweeps)
            for writer, sweeps in _writers(folder / "checkpoint", arguments)
            if any(part in writer.name for part in arguments.writers.split(","))
        ]
        if any(isinstance(writer, PredictionWriter | ExportWriter) for writer, _ in chosen):
            _in_a_process(make_checkpoint, folder)
        for writer, sweeps in chosen:
            found = _in_a_process(_sweep, writer, sweeps, arguments.seconds)
            print(*map(json.dumps, found), sep="\n", file=sys.stderr, flush=True)
            rows += found
    print(f"{markdown(rows)}\n\n{time.monotonic() - began:.0f} s")
    return int(any(row["failed"] for row in rows))


def _writers(checkpoint: Path, arguments: Any) -> list[tuple[Writer, dict[str, int]]]:
    """What writes, and its sweeps, with the sizes of full disks."""
    full = {"full disk": arguments.sizes}
    both = {**full, "killed at each rename": 0}
    return [
        (CheckpointWriter(), {**both, "read while it is replaced": 0}),
        (RunWriter(), both),
        (CurvesWriter(), full),
        (CacheWriter(), both),
        (VocabularyWriter(), both),
        (FileWriter(), both),
        (TensorsWriter(), both),
        (PredictionWriter(checkpoint), both),
        (StandardOutputWriter(checkpoint), full),
        (VectorWriter(checkpoint), both),
        (EvaluationWriter(checkpoint), both),
        (ExportWriter(checkpoint, "saved_model"), full),
        (MovedExportWriter(checkpoint, "saved_model"), {"killed at each rename": 0}),
        (ExportWriter(checkpoint, "onnx"), full),
        (ExportWriter(checkpoint, "litert"), full),
    ]


def _sweep(writer: Writer, sweeps: dict[str, int], seconds: float) -> list[dict[str, Any]]:
    rows = []
    with temporary_folder() as folder:
        writer.prepare(folder)
        for sweep, sizes in sweeps.items():
            row: dict[str, Any] = {"writes": writer.name, "fault": sweep}
            if sweep == "read while it is replaced":
                written, reads, failed = publications(writer, READERS, seconds)
                row |= {"tries": reads, "written": written, "failed": failed}
            else:
                outcomes = Counter(full_disks(writer, sizes) if sizes else kills(writer))
                row |= {"tries": outcomes.total(), **{name: outcomes[name] for name in _GOOD}}
                row["failed"] = sum(outcomes[name] for name in outcomes if name not in _GOOD)
            rows.append(row)
    return rows


def _in_a_process(function: Any, *arguments: Any) -> Sequence[dict[str, Any]]:
    """Runs a function in a fork, whose libraries have computed nothing before."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=lambda: send.send(function(*arguments)))
    process.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        process.join()
        sys.exit(f"{function.__name__} {arguments} ended with status {process.exitcode}")


if __name__ == "__main__":
    sys.exit(main())
