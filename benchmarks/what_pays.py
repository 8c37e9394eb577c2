"""What each part of the recipe is worth: the default, and the same with one thing changed.

    python -m benchmarks.what_pays --data=DATA [--pretrained=CHECKPOINT] [--changes=...]
        [--seeds=1,2,3] [--folder=checkpoint_what_pays]

The TextCNN `small` on CAIL2018. Every line is a run of `train_bert_fine_tuning.py` with all
defaults but for the options that it names, chosen by the validation documents, measured on the test
documents by the code that labels new text. Results are lines of `results.jsonl`; what has been run
is not run again.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data_sets import DATA_SETS, Split, labelled_files, read_splits
from benchmarks.fine_tuned import Result, learned, measured, script
from benchmarks.results import Results
from benchmarks.two_steps import run, sources_of_step_1

CHANGES: dict[str, dict[str, Any]] = {
    "the default": {},
    "no bag of words": {"tfidf_classifier": False},
    "the pooled output as the head": {"head": "pooled"},
    "256 tokens of a document": {"sequence_length": 256},
    "the backbone at 1e-3": {"learning_rate": 1e-3},
    "the backbone at 3e-4": {"learning_rate": 3e-4},
    "one half as the threshold": {"threshold": 0.5},
    "twice the dropout": {"dropout_keep_prob": 0.8},
    "random weights": {"ckpt_dir": "", "backbone": "text_cnn"},
}

HEADER = (
    "| | valid f1, epoch 1 | best valid f1 | of the network alone | test f1 | seeds |"
    "\n|---|---|---|---|---|---|"
)


def main() -> None:
    """Runs what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--pretrained", type=Path, help="a checkpoint of step 1; default: make one")
    parser.add_argument("--changes", default=",".join(CHANGES), help="by name, with commas")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_what_pays"))
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    files = labelled_files(arguments.data, "cail2018", folder)
    pretrained = arguments.pretrained or folder / "pretrained"
    if arguments.pretrained is None:
        run(
            "train_bert_lm.py",
            f"--data_path={folder / 'data'}",
            f"--ckpt_dir={pretrained}",
            f"--num_epochs={DATA_SETS['cail2018'].pretraining_epochs}",
            sources_of_step_1(arguments.data),
        )
    test = read_splits(files)["test"]
    results, rows = Results(folder / "results.jsonl"), [HEADER]
    for change in arguments.changes.split(","):
        found = [
            results.once(
                {"change": change, "seed": seed},
                partial(fine_tuned, change, seed, folder, files, pretrained, test),
            )
            for seed in map(int, arguments.seeds.split(","))
        ]
        rows.append(row(change, found))
    print("\n" + "\n".join(rows))


def fine_tuned(
    change: str, seed: int, folder: Path, files: dict[str, Path], pretrained: Path, test: Split
) -> Result:
    """One run of step 2, and its figures."""
    target = folder / f"{change.replace(' ', '_')}_{seed}"
    options = {
        "data_path": folder / "data",
        "training_data_file": files["train"],
        "valid_data_file": files["valid"],
        "test_data_file": "",
        "ckpt_dir": pretrained,
        "ckpt_dir_save": target,
        "seed": seed,
        **CHANGES[change],
    }
    if not options["ckpt_dir"]:
        options["vocab_file"] = pretrained / "vocab.txt"
    script("train_bert_fine_tuning.py", options)
    return {**learned(target), **measured(target, test)}


def row(change: str, results: list[Result]) -> str:
    """A line of the table: means over the seeds."""

    def mean(values: list[float]) -> str:
        return f"{sum(values) / len(values):.3f}"

    valid = [result["valid"] for result in results]
    cells = [
        change,
        mean([result["curve"][0] for result in results]),
        mean([figures["f1"] for figures in valid]),
        mean([max(result["network_f1"] or result["curve"]) for result in results]),
        mean([result["test"]["f1"] for result in results]),
        str(len(results)),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
