"""Did a change of the code change its speed? Two checkouts in turn, on one core.

    python -m benchmarks.speed_ratio --before=CHECKOUT [--before_python=...] [--after=.]
        [--rounds=5] [--preset=small] [--backbones=text_cnn,transformer]

In each round (A B A B ...) a process in each checkout pre-trains, fine-tunes and predicts with its
own scripts, on files made from the bundled sample. The time of the steps is that of
`keras.Model.fit` in the fastest epoch after the first one, which compiles; that of prediction is
the difference between labelling many documents and few, so that loading cancels out. Both are
processor time, which other programs disturb the least; on a busy machine it still varies by 10 %
and more. Prints how many times as fast the second checkout is: in each round, the median, by the
fastest round of both, and the median by wall time. The defaults take half an hour.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib import timed_scripts
from benchmarks.lib.arguments import parser
from benchmarks.lib.checkouts import Checkout
from benchmarks.lib.measuring import machine, markdown
from benchmarks.lib.runs import flags
from models.presets import PRESETS

ROOT = Path(__file__).parents[1]
WORK = ("pre-training steps", "fine-tuning steps", "prediction")
BLOCK = 1024
# [seconds of processor time, seconds of wall time] of a piece of work.
Times = dict[str, tuple[float, float]]


def main() -> None:
    """Measures both checkouts and prints the table."""
    options = parser(__doc__, data="none")
    options.add_argument("--before", type=Path, required=True, help="the checkout to compare with")
    options.add_argument("--before_python", type=Path, help="default: that of its .venv")
    options.add_argument("--after", type=Path, default=ROOT, help="default: this checkout")
    options.add_argument("--after_python", type=Path, help="default: the interpreter of this run")
    options.add_argument("--rounds", type=int, default=5, help="measurements of each checkout")
    options.add_argument("--preset", choices=tuple(PRESETS), default="small")
    options.add_argument("--backbones", default="text_cnn,transformer")
    options.add_argument("--epochs", type=int, default=3, help="of each training; at least 2")
    options.add_argument(
        "--documents",
        type=int,
        default=1000,
        help="to pre-train on",
    )
    options.add_argument("--predictions", type=int, default=8 * BLOCK, help="documents to label")
    options.add_argument("--core", type=int, help="default: the last one that is available")
    options.add_argument("--json", type=Path, help="write all times to this file")
    arguments = options.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # The processes inherit it.
        cores = [max(os.sched_getaffinity(0)) if arguments.core is None else arguments.core]
        os.sched_setaffinity(0, cores)
    checkouts = {
        "before": Checkout(arguments.before.absolute(), arguments.before_python),
        "after": Checkout(
            arguments.after.absolute(), arguments.after_python or Path(sys.executable)
        ),
    }
    times: dict[str, dict[str, list[Times]]] = {}
    with tempfile.TemporaryDirectory(prefix="speed-ratio-") as name:
        folder = Path(name)
        write_inputs(folder, arguments.documents, arguments.predictions)
        for number in range(arguments.rounds):
            for backbone in arguments.backbones.split(","):
                sides = times.setdefault(backbone, {side: [] for side in checkouts})
                for side, checkout in checkouts.items():
                    work = folder / side / f"{backbone}_{number}"
                    commands = commands_for(folder, work, backbone, arguments)
                    sides[side].append(measure(checkout, commands, work))
                found = [sides[side][-1] for side in checkouts]
                print(number + 1, backbone, *found, sep="\n  ", file=sys.stderr, flush=True)
    rows = [row for backbone, sides in times.items() for row in table_rows(backbone, sides)]
    if arguments.json:
        content = {"machine": machine(), "times": times, "rows": rows}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"\n{markdown(rows)}\n\n{json.dumps(machine())}")


def write_inputs(folder: Path, documents: int, predictions: int) -> None:
    """Writes the files that both checkouts read."""
    sample = ROOT / "data"
    lines = {
        split: (sample / f"sample_{split}.txt").read_text(encoding="utf-8").splitlines()
        for split in ("free_text", "train", "valid", "test")
    }
    texts = [line.partition(" __label__")[0] for line in lines["test"]]
    block = _repeated(texts, BLOCK)
    files = {
        "free": _repeated(lines["free_text"], documents),
        # They are shorter than the sequences of the pre-training.
        "train": _repeated(lines["train"], 3 * documents),
        "valid": lines["valid"],
        # Blocks of the same texts, so that no new length has to be compiled for the many.
        "few": block,
        "many": block * max(2, round(predictions / BLOCK)),
    }
    for name, content in files.items():
        (folder / f"{name}.txt").write_text("\n".join(content) + "\n", encoding="utf-8")


def _repeated(lines: list[str], count: int) -> list[str]:
    return list(itertools.islice(itertools.cycle(lines), count))


def commands_for(folder: Path, work: Path, backbone: str, arguments: Any) -> list[list[str]]:
    """The scripts and options of a round, by the names of the newest code."""
    common = {
        "data_path": work.parent / "data",
        "process_num": 1,
        "num_epochs": max(2, arguments.epochs),
    }
    pretraining = {
        **common,
        "backbone": backbone,
        "preset": arguments.preset,
        "tokenize_style": "char",
        "mask_lm_source_file": folder / "free.txt",
        "sequence_length_lm": 128,
        "ckpt_dir": work / "pretrained",
    }
    fine_tuning = {
        **common,
        "training_data_file": folder / "train.txt",
        "valid_data_file": folder / "valid.txt",
        "test_data_file": "",
        "patience": common["num_epochs"],
        "ckpt_dir": work / "pretrained",
        "ckpt_dir_save": work / "finetuned",
    }
    return [
        ["train_bert_lm.py", *flags(pretraining)],
        ["train_bert_fine_tuning.py", *flags(fine_tuning)],
        *(
            [
                "predict.py",
                f"--ckpt_dir={work / 'finetuned'}",
                f"--input={folder / name}.txt",
                f"--output={work / name}.jsonl",
            ]
            for name in ("few", "many")
        ),
    ]


def measure(checkout: Checkout, commands: Iterable[Sequence[str]], work: Path) -> Times:
    """Runs the commands of a round in a checkout; ends this program if one fails.

    Returns:
        By each piece of `WORK`, seconds of processor time and of wall time: of an epoch's steps, or
        of the documents that are labelled.
    """
    work.mkdir(parents=True)
    given, report = work / "commands.json", work / "times.json"
    translated = [checkout.translate(command) for command in commands]
    given.write_text(json.dumps(translated), encoding="utf-8")
    process = subprocess.run(
        [checkout.python, timed_scripts.__file__, given, report],
        cwd=checkout.path,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode:
        sys.exit(f"error: a script failed in {checkout.path}:\n{process.stderr[-3000:]}")
    return times_of(json.loads(report.read_text(encoding="utf-8")))


def times_of(results: Sequence[Mapping[str, Any]]) -> Times:
    """The times of a round from those of its commands."""
    *trainings, few, many = results
    times: Times = {}
    for name, training in zip(WORK, trainings, strict=False):
        # The first epoch compiles.
        cpu, wall = zip(*training["fits"][1:], strict=True)
        times[name] = min(cpu), min(wall)
    cpu, wall = (more - less for more, less in zip(many["total"], few["total"], strict=True))
    times[WORK[-1]] = cpu, wall
    return times


def table_rows(backbone: str, sides: Mapping[str, Sequence[Times]]) -> list[dict[str, Any]]:
    """The rows of the table for a backbone.

    Args:
        backbone: its name.
        sides: the times of each round "before" and "after".
    """
    rows = []
    for work in WORK:
        before, after = ([one[work] for one in sides[side]] for side in ("before", "after"))
        cpu, wall = (
            [old[kind] / new[kind] for old, new in zip(before, after, strict=True)]
            for kind in (0, 1)
        )
        fastest = min(before)[0], min(after)[0]
        rows.append(
            {
                "backbone": backbone,
                "work": work,
                "before, s": f"{fastest[0]:.2f}",
                "after, s": f"{fastest[1]:.2f}",
                "times as fast, by round": " ".join(f"{ratio:.3f}" for ratio in cpu),
                "median": f"{statistics.median(cpu):.3f}",
                "of the fastest": f"{fastest[0] / fastest[1]:.3f}",
                "median, wall time": f"{statistics.median(wall):.3f}",
            }
        )
    return rows


if __name__ == "__main__":
    main()
