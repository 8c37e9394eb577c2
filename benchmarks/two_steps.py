"""Both steps on real data: is a pre-trained backbone ahead of the same one from random weights?

    python -m benchmarks.two_steps --data=../shared/data [--backbone=text_cnn] [--folder=...]

`--data` holds `legal_corpus/train.txt` and `cail2018/{train,valid,test}.json`. Runs step 1 once
and step 2 twice with the same options, from the checkpoint and from random weights (with the
checkpoint's vocabulary, so that the two models have the same shape), and prints a Markdown table.
A run that the folder already holds is not run again, and one that was stopped goes on.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BACKBONES: dict[str, dict[str, list[str]]] = {
    "text_cnn": {
        "pretraining": ["--num_epochs=3"],
        "fine_tuning": ["--num_epochs=6", "--patience=6", "--learning_rate=3e-3"],
    },
    "transformer": {
        "pretraining": ["--num_epochs=1", "--learning_rate=1e-3"],
        "fine_tuning": ["--num_epochs=5", "--patience=5", "--learning_rate=1e-3"],
    },
}


def main() -> None:
    """Runs what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--backbone", choices=tuple(BACKBONES), help="default: both")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_two_steps"))
    arguments = parser.parse_args()
    cail = arguments.data / "cail2018"
    files = [
        f"--training_data_file={cail / 'train.json'}",
        f"--valid_data_file={cail / 'valid.json'}",
        f"--test_data_file={cail / 'test.json'}",
    ]
    names = [arguments.backbone] if arguments.backbone else list(BACKBONES)
    for name in names:
        both_steps(
            arguments.folder / name,
            [f"--backbone={name}", sources_of_step_1(arguments.data)]
            + BACKBONES[name]["pretraining"],
            [*files, *BACKBONES[name]["fine_tuning"]],
            [f"--backbone={name}"],
        )
    print(HEADER)
    for name in names:
        print_rows(arguments.folder / name, title=name)


def sources_of_step_1(data: Path) -> str:
    """The option of step 1 that names the legal corpus and CAIL2018's training documents."""
    corpus, training = data / "legal_corpus" / "train.txt", data / "cail2018" / "train.json"
    return f"--mask_lm_source_file={corpus},{training}"


def both_steps(
    folder: Path,
    pretraining: Sequence[str],
    fine_tuning: Sequence[str],
    random_weights: Sequence[str] = (),
    from_checkpoint: Sequence[str] = (),
) -> None:
    """Pre-trains into `folder/pretrained`, fine-tunes into `folder/finetuned` and `folder/random`.

    Args:
        folder: takes the three checkpoints and the caches.
        pretraining: further options of step 1.
        fine_tuning: further options of step 2, for both of its runs.
        random_weights: further options of the run from random weights.
        from_checkpoint: further options of the run from the checkpoint.
    """
    data, pretrained = f"--data_path={folder / 'data'}", folder / "pretrained"
    run("train_bert_lm.py", data, f"--ckpt_dir={pretrained}", *pretraining)
    starts = {
        "random": ["--ckpt_dir=", f"--vocab_file={pretrained / 'vocab.txt'}", *random_weights],
        "finetuned": [f"--ckpt_dir={pretrained}", *from_checkpoint],
    }
    for name, start in starts.items():
        run(
            "train_bert_fine_tuning.py",
            data,
            f"--ckpt_dir_save={folder / name}",
            *start,
            *fine_tuning,
        )


HEADER = (
    "\n| | start | valid f1 after epoch 1 | best valid f1 | best epoch | test micro f1 "
    "| test macro f1 | test f1 |\n|---|---|---|---|---|---|---|---|"
)


def print_rows(folder: Path, title: str) -> None:
    """Prints the figures of both classifiers of `folder` as rows of a Markdown table."""
    for start, name in (("random weights", "random"), ("pre-trained", "finetuned")):
        print_row(folder / name, title=title, start=start)


def print_row(folder: Path, title: str, start: str) -> None:
    """Prints the figures of a classifier as a row of the table that `HEADER` begins."""
    metrics = read_metrics(folder)
    valid = [entry["valid"]["f1"] for entry in metrics["history"]]
    test = metrics["test"]
    print(
        f"| {title} | {start} | {valid[0]:.3f} | {max(valid):.3f} | {metrics['best_epoch']} "
        f"| {test['micro_f1']:.3f} | {test['macro_f1']:.3f} | {test['f1']:.3f} |"
    )


def read_metrics(folder: Path) -> dict[str, Any]:
    """What a run wrote to `metrics.json`."""
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def run(script: str, *options: str) -> None:
    """Runs a script of the project and shows its command line; ends this program if it fails."""
    print(f"\n$ python {shlex.join([script, *options])}", flush=True)
    status = subprocess.run([sys.executable, script, *options], check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
