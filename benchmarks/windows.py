"""Compares how many windows of a long document are read: F1, and seconds of training.

    python -m benchmarks.windows --data=DATA [--min_characters=500] [--windows=1,2,4]
        [--sequence_length=128] [--backbone=text_cnn] [--preset=tiny] [--num_epochs=15] [--seeds=1]
        [--folder=...]

`--data` is the folder of the data sets (see `benchmarks/lib/data_sets.py`). Of each split of
CAIL2018, only the documents of at least `--min_characters` characters are used. The networks start
from random weights and have no TF-IDF classifier, which would read all windows whatever the network
reads. Completed runs in the folder are not repeated.

Prints a Markdown table with a row for each number of windows: the mean test metrics over the seeds,
and the median seconds of training. "truncated" is the share of the test documents that are longer
than their windows.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.data_sets import SPLITS
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, split_flags
from data_util.inputs import text_length, token_budget
from data_util.tokens.tokenizers import make_tokenizer
from models.registry import BACKBONES

METRICS = ("micro_f1", "macro_f1", "f1")


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_windows")
    options.add_argument("--min_characters", type=int, default=500)
    options.add_argument("--windows", default="1,2,4", help="comma-separated numbers")
    options.add_argument("--sequence_length", type=int, default=128)
    options.add_argument("--backbone", choices=tuple(BACKBONES), default="text_cnn")
    options.add_argument("--preset", default="tiny")
    options.add_argument("--num_epochs", type=int, default=15)
    options.add_argument("--seeds", type=int, default=1)
    arguments = options.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    files, counts = {}, {}
    for split in SPLITS:
        source = arguments.data / f"cail2018/{split}.json"
        files[split] = arguments.folder / source.name
        counts[split] = long_documents(source, files[split], arguments.min_characters)
    lengths = _lengths(files["test"])
    rows = []
    for count in map(int, arguments.windows.split(",")):
        runs = []
        for seed in range(1, arguments.seeds + 1):
            folder = arguments.folder / f"windows-{count}-{seed}"
            _train(arguments, files, count, seed, folder)
            runs.append(read_metrics(folder))
        read = token_budget(text_length(count, arguments.sequence_length))
        scores = {name: [each["test"][name] for each in runs] for name in METRICS}
        seconds = [entry["seconds"] for each in runs for entry in each["history"]]
        rows.append(
            {
                "--windows": count,
                "truncated": f"{np.mean(lengths > read):.0%}",
                **{name: f"{np.mean(values):.3f}" for name, values in scores.items()},
                "f1 of each seed": ", ".join(f"{value:.3f}" for value in scores["f1"]),
                "seconds per epoch": f"{np.median(seconds):.1f}",
            }
        )
    print(f"\n{counts}, median of {np.median(lengths):.0f} tokens\n\n{markdown(rows)}")


def long_documents(source: Path, target: Path, min_characters: int) -> int:
    """Copies the long documents of a file of JSON lines, and returns their number."""
    with source.open(encoding="utf-8") as file:
        lines = [line for line in file if len(json.loads(line)["fact"]) >= min_characters]
    target.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def _lengths(file: Path) -> np.ndarray:
    tokenizer = make_tokenizer("word")
    with file.open(encoding="utf-8") as lines:
        return np.array([len(tokenizer.tokenize(json.loads(line)["fact"])) for line in lines])


def _train(arguments: Any, files: dict[str, Path], windows: int, seed: int, folder: Path) -> None:
    run(
        "train_bert_fine_tuning.py",
        f"--data_path={arguments.folder / 'data'}",
        *split_flags(files),
        "--ckpt_dir=",
        f"--ckpt_dir_save={folder}",
        f"--backbone={arguments.backbone}",
        f"--preset={arguments.preset}",
        "--tokenize_style=word",
        "--tfidf_classifier=false",
        f"--sequence_length={arguments.sequence_length}",
        f"--windows={windows}",
        f"--num_epochs={arguments.num_epochs}",
        f"--patience={arguments.num_epochs}",
        f"--seed={seed}",
    )


if __name__ == "__main__":
    main()
