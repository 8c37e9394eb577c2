"""Runs the project's scripts as a user would, and reads their output."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.checkouts import Checkout


def run(*arguments: str, checkout: Path | None = None) -> None:
    """Prints and runs a Python command line; ends this program if it fails.

    An interrupted training run is resumed, and a completed one is not repeated.

    Args:
        arguments: a script and its options, or "-m", a module and its options.
        checkout: the folder of another version of this project to run.
    """
    if checkout:
        arguments = tuple(Checkout(checkout).translate(arguments))
    print(f"\n$ python {shlex.join(arguments)}", flush=True)
    command = [sys.executable, *arguments]
    if status := subprocess.run(command, cwd=checkout, check=False).returncode:
        sys.exit(status)


def flags(options: Mapping[str, Any]) -> list[str]:
    """`--name=value` for each option, `true` and `false` in lower case."""
    return [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in options.items()
    ]


def split_options(files: Mapping[str, Path]) -> dict[str, Path]:
    """The options of fine-tuning that name the files of the splits train, valid and test."""
    names = {"train": "training", "valid": "valid", "test": "test"}
    return {f"{name}_data_file": files[split] for split, name in names.items()}


def split_flags(files: Mapping[str, Path]) -> list[str]:
    """The same as flags."""
    return flags(split_options(files))


def read_metrics(folder: Path) -> dict[str, Any]:
    """The content of `metrics.json` in a checkpoint folder."""
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def validations(metrics: Mapping[str, Any]) -> list[dict[str, float]]:
    """The metrics of each validation of a run: with few examples, not every epoch has one."""
    return [entry["valid"] for entry in metrics["history"] if entry["valid"]]


def pretrain_and_fine_tune(
    folder: Path,
    pretraining: Sequence[str],
    fine_tuning: Sequence[str],
    random_weights: Sequence[str] = (),
    from_checkpoint: Sequence[str] = (),
) -> None:
    """Pre-trains into `folder/pretrained`, fine-tunes into `folder/finetuned` and `folder/random`.

    Args:
        folder: for the three checkpoints and the caches.
        pretraining: further options of the pre-training.
        fine_tuning: further options of both fine-tuning runs.
        random_weights: further options of the fine-tuning from random weights.
        from_checkpoint: further options of the fine-tuning from the pre-trained checkpoint.
    """
    data, pretrained = f"--data_path={folder / 'data'}", folder / "pretrained"
    run("train_bert_lm.py", data, f"--ckpt_dir={pretrained}", *pretraining)
    starts = {
        # The checkpoint's vocabulary, so that both networks have the same shape.
        "random": ["--ckpt_dir=", f"--vocab_file={pretrained / 'vocab.txt'}", *random_weights],
        "finetuned": [f"--ckpt_dir={pretrained}", *from_checkpoint],
    }
    for name, start in starts.items():
        save = f"--ckpt_dir_save={folder / name}"
        run("train_bert_fine_tuning.py", data, save, *start, *fine_tuning)


def metrics_row(folder: Path, **titles: str) -> dict[str, Any]:
    """The metrics of a classifier as a row of a table.

    Args:
        folder: its checkpoint folder.
        titles: the first cells of the row.
    """
    metrics = read_metrics(folder)
    valid = [each["f1"] for each in validations(metrics)]
    values = {
        "first valid F1": valid[0],
        "best valid F1": max(valid),
        "test micro F1": metrics["test"]["micro_f1"],
        "test macro F1": metrics["test"]["macro_f1"],
        "test F1": metrics["test"]["f1"],
    }
    scores = {name: f"{value:.3f}" for name, value in values.items()}
    return {**titles, "best epoch": metrics["best_epoch"], **scores}
