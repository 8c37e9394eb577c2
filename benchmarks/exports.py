"""Measures the speed, the size and the accuracy of the exports of a checkpoint.

    python -m benchmarks.exports [--data=DATA] [--documents=1000] [--rounds=3] [--preset=small]
        [--ckpt_dirs=FOLDER,FOLDER] [--formats=litert,onnx]

For each backbone, it fine-tunes a classifier on the bundled sample for a few epochs (or uses the
checkpoints `--ckpt_dirs`) and exports it to every format, or to `--formats`, with and without int8
quantization. It then labels documents with the checkpoint and with each export: those of
`--data`/cail2018/test.json, or of the sample without `--data`.

All forms label the documents in turn, in one process, `--rounds` times. Prints a Markdown table
with one row per form: the size in MB; documents per second of processor time (tokenizer, batches
and model; the best round); how many times as many as the checkpoint (the median of the rounds'
ratios); the largest difference of a probability from the checkpoint's; and the percentage of
documents with the same labels.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import flags, run
from models.presets import PRESETS
from training.command_line import quiet_libraries
from training.options.conversion import EXPORT_FORMATS, ExportOptions

BATCH = 64


def main() -> None:
    """Exports, measures and prints the table."""
    options = parser(__doc__, data="optional", folder="checkpoint_exports")
    options.add_argument("--documents", type=int, default=1000, help="documents to label, at most")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--preset", choices=tuple(PRESETS), default="small")
    options.add_argument("--backbone", choices=("text_cnn", "transformer"), help="default: both")
    options.add_argument("--num_epochs", type=int, default=10, help="of the fine-tuning")
    options.add_argument(
        "--ckpt_dirs",
        type=lambda names: names.split(","),
        default=[],
        help="classifiers, separated by commas; nothing is trained",
    )
    options.add_argument(
        "--formats",
        type=lambda names: names.split(","),
        default=list(EXPORT_FORMATS),
        help="separated by commas; default: all",
    )
    arguments = options.parse_args()
    classifiers = [(folder.name, folder) for folder in map(Path, arguments.ckpt_dirs)]
    rows: list[dict[str, Any]] = []
    for title, checkpoint in classifiers or fine_tuned(arguments):
        rows += measure(title, checkpoint, arguments, arguments.folder / "exports" / title)
    print(f"\n{markdown(rows)}")


def fine_tuned(arguments: argparse.Namespace) -> list[tuple[str, Path]]:
    """Trains each backbone on the sample, unless it exists; returns names and checkpoints."""
    folders = []
    for backbone in [arguments.backbone] if arguments.backbone else ["text_cnn", "transformer"]:
        folder = arguments.folder / f"{backbone}_{arguments.preset}"
        options = {
            "ckpt_dir": "",
            "data_path": arguments.folder / "data",
            "ckpt_dir_save": folder,
            "backbone": backbone,
            "preset": arguments.preset,
            "num_epochs": arguments.num_epochs,
            "patience": arguments.num_epochs,
            "batch_size": 16,
        }
        run("train_bert_fine_tuning.py", *flags(options))
        folders.append((backbone, folder))
    return folders


def measure(
    title: str, checkpoint: Path, arguments: argparse.Namespace, exports: Path
) -> list[dict[str, Any]]:
    """The rows of the table for one checkpoint and all of its exports."""
    quiet_libraries()
    from conversion.export import bytes_of, export
    from conversion.exported import WHOLE, model_file
    from conversion.exported_predictor import ExportedPredictor
    from data_util.reading.documents import read_texts
    from models.checkpoints.folder import WEIGHTS
    from training.prediction import Predictor

    source = Path("data/sample_test.txt")
    if arguments.data:
        source = arguments.data / "cail2018" / "test.json"
    with source.open("rb") as file:
        documents = islice(read_texts(file, str(source)), arguments.documents)
        texts = [document.text for document in documents]
    classifier = Predictor(checkpoint)
    scorers: dict[str, Callable[[list[str]], np.ndarray]] = {
        "checkpoint": partial(classifier.probabilities, batch_size=BATCH)
    }
    sizes = {"checkpoint": (checkpoint / WEIGHTS).stat().st_size}
    for form in arguments.formats:
        for quantize in ("none", "int8"):
            name = form if quantize == "none" else f"{form}, int8"
            out = exports / f"{form}_{quantize}"
            export(
                ExportOptions(
                    ckpt_dir=str(checkpoint),
                    out=str(out),
                    format=form,
                    quantize=quantize,
                    overwrite=True,
                )
            )
            model = out / model_file(form, WHOLE)
            sizes[name] = bytes_of(model) if model.is_dir() else model.stat().st_size
            exported = ExportedPredictor(out)
            scorers[name] = partial(exported.probabilities, batch_size=BATCH)
    found = {name: score(texts) for name, score in scorers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(arguments.rounds):
        for name, score in scorers.items():
            began = time.process_time()
            score(texts)
            seconds[name].append(time.process_time() - began)
    base = np.array(seconds["checkpoint"])
    expected, task = found["checkpoint"], cast(Any, classifier.task)
    rows = []
    for name, probabilities in found.items():
        same = (task.decide(probabilities) == task.decide(expected)).all(axis=1)
        rows.append(
            {
                "classifier": title,
                "form": name,
                "MB": f"{sizes[name] / 1e6:.2f}",
                "documents per CPU s": round(len(texts) / min(seconds[name])),
                "ratio": f"{np.median(base / seconds[name]):.2f}",
                "largest difference of a probability": (
                    f"{np.abs(probabilities - expected).max():.1e}"
                ),
                "same labels": f"{np.mean(same):.1%}",
            }
        )
    return rows


if __name__ == "__main__":
    main()
