"""How much sooner does step 1 reach a validation loss than its first version did?

    python -m benchmarks.time_to_loss --data=DATA [--documents=1000] [--num_epochs=4]
        [--backbone=text_cnn] [--folder=checkpoint_time_to_loss] [--first_version=CHECKOUT]

Runs step 1 twice on the first documents of the legal corpus: by the first version's own code
(`git worktree add CHECKOUT 02f8069`), and by today's. Without that checkout today's code does what
the first version did: the whole vocabulary in every step, and a Transformer's positions learned.
The validation loss is that of the whole vocabulary in both. The two run at the same time, each on a
core of its own, so that whatever else the machine does meets both; on a machine of one core, one
after the other. Prints what each epoch brought, and how long each took to the loss that both reach,
between two validations by a straight line. A run that the folder already holds is not run again.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import parser, report
from benchmarks.preprocessing import first_documents
from benchmarks.two_steps import read_metrics

# What the first version did and the defaults do not.
FIRST_VERSION = {
    "text_cnn": ["--num_sampled=0"],
    "transformer": ["--num_sampled=0", "--position=learned"],
}


def main() -> None:
    """Runs what is missing and prints the tables."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--documents", type=int, default=1000, help="of the legal corpus")
    options.add_argument("--num_epochs", type=int, default=4)
    options.add_argument("--backbone", choices=("text_cnn", "transformer"), default="text_cnn")
    options.add_argument("--folder", type=Path, default=Path("checkpoint_time_to_loss"))
    options.add_argument("--first_version", type=Path, help="a checkout of its commit")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.num_epochs = 20, 2
    folder = arguments.folder.absolute() / arguments.backbone
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "text.txt"
    if not text.exists():
        source = arguments.data / "legal_corpus" / "train.txt"
        first_documents(source, text, arguments.documents)
    folders = side_by_side(arguments, folder, text)
    curves = {name: curve(place) for name, place in folders.items()}
    report("time_to_loss", arguments, tables(curves))


def side_by_side(arguments: argparse.Namespace, folder: Path, text: Path) -> dict[str, Path]:
    """Runs both sides; ends this program if one fails."""
    cores = sorted(os.sched_getaffinity(0))
    folders, running = {}, []
    first = arguments.first_version
    sides: dict[str, tuple[Path | None, list[str]]] = {
        "first version": (first, [] if first else FIRST_VERSION[arguments.backbone]),
        "defaults": (None, []),
    }
    for number, (name, (checkout, choice)) in enumerate(sides.items()):
        folders[name] = folder / name.replace(" ", "_")
        command = [
            sys.executable,
            "train_bert_lm.py",
            f"--mask_lm_source_file={text}",
            f"--ckpt_dir={folders[name]}",
            f"--data_path={folders[name].with_suffix('.data')}",
            f"--backbone={arguments.backbone}",
            f"--num_epochs={arguments.num_epochs}",
            "--process_num=1",
            *choice,
        ]
        if arguments.test_mode:
            command += ["--preset=tiny", "--sequence_length_lm=32"]
        process = subprocess.Popen(command, cwd=checkout)
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, {cores[number]})
        else:
            process.wait()
        running.append(process)
    failures = [process.wait() for process in running]  # of both, before it ends
    if any(failures):
        sys.exit("error: a run of step 1 failed; what it said is above.")
    return folders


def curve(folder: Path) -> np.ndarray:
    """Seconds since the start and masked-LM validation loss after each epoch, (epochs, 2)."""
    history = read_metrics(folder)["history"]
    seconds = np.cumsum([entry["seconds"] for entry in history])
    return np.column_stack([seconds, [entry["valid"]["masked_lm_loss"] for entry in history]])


def seconds_to(loss: float, curve: np.ndarray) -> float:
    """When a curve first is at a loss, by a straight line between two validations.

    Args:
        loss: one that the curve reaches.
        curve: seconds and loss after each epoch, (epochs, 2).
    """
    reached = int(np.argmax(curve[:, 1] <= loss))
    if not reached:
        return float(curve[0, 0])
    (before, high), (after, low) = curve[reached - 1], curve[reached]
    return float(after - (after - before) * (loss - low) / (high - low))


def tables(curves: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
    """A row for each epoch of each side, and the seconds of both to the loss that both reach."""
    epochs = [
        {"side": name, "epoch": number, "seconds": float(seconds), "valid_loss": float(loss)}
        for name, points in curves.items()
        for number, (seconds, loss) in enumerate(points, start=1)
    ]
    common = max(float(points[:, 1].min()) for points in curves.values())
    first, defaults = (seconds_to(common, points) for points in curves.values())
    summary = {
        "valid_loss": common,
        "seconds_first_version": first,
        "seconds_defaults": defaults,
        "times_as_soon": first / defaults,
    }
    return {"Epochs": epochs, "To the loss that both reach": [summary]}


if __name__ == "__main__":
    main()
