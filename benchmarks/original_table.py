"""The original's table, made anew: F1 after 1, 5, 7 and 35 epochs, random weights and pre-trained.

    python -m benchmarks.original_table --data=DATA [--epochs=35] [--folder=checkpoint_table]
        [--pretrained=CHECKPOINT] [--random_rate=1e-3] [--pretrained_rate=3e-3]

The TextCNN `small` on CAIL2018, step 1 on `legal_corpus` too. Each start has its own learning rate:
the best one that `benchmarks.accuracy` found for it. Prints a Markdown table of the network's own
F1, the loss at the start and after 1 and 5 epochs, and the time of training; with matplotlib
installed, the curves are drawn into `original_table.png`. A run that was stopped goes on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.curves import draw
from benchmarks.two_steps import read_metrics, run, sources_of_step_1

AFTER = (1, 5, 7, 35)
LOSSES_AFTER = (1, 5)
# Of the original, on 450,000 documents of CAIL2018: its README.
ORIGINAL = {
    "random weights": (0.09, 0.40, 0.44, 0.58),
    "pre-trained": (0.58, 0.74, 0.75, 0.75),
}


def main() -> None:
    """Runs what is missing, prints the table and draws the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--epochs", type=int, default=AFTER[-1])
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_table"))
    parser.add_argument("--pretrained", type=Path, help="a checkpoint of step 1; default: make one")
    parser.add_argument("--random_rate", default="1e-3")
    parser.add_argument("--pretrained_rate", default="3e-3")
    arguments = parser.parse_args()
    cail, folder = arguments.data / "cail2018", arguments.folder
    pretrained = arguments.pretrained or folder / "pretrained"
    data = f"--data_path={folder / 'data'}"
    if arguments.pretrained is None:
        run(
            "train_bert_lm.py",
            data,
            f"--ckpt_dir={pretrained}",
            sources_of_step_1(arguments.data),
            "--num_epochs=3",
        )
    common = [
        data,
        f"--training_data_file={cail / 'train.json'}",
        f"--valid_data_file={cail / 'valid.json'}",
        "--test_data_file=",
        # The table is about the start of the network, so nothing stands beside it.
        "--tfidf_classifier=false",
    ]
    starts = {
        "random weights": (
            ["--ckpt_dir=", "--backbone=text_cnn", f"--vocab_file={pretrained / 'vocab.txt'}"],
            arguments.random_rate,
        ),
        "pre-trained": ([f"--ckpt_dir={pretrained}"], arguments.pretrained_rate),
    }
    runs: dict[str, Any] = {}
    for name, (start, rate) in starts.items():
        place = folder / name.replace(" ", "_")
        # With a learning rate of 0 the first validation is that of the start.
        run(
            "train_bert_fine_tuning.py",
            *common,
            *start,
            f"--ckpt_dir_save={place}_start",
            "--learning_rate=0",
            "--head_learning_rate=0",
            "--num_epochs=1",
        )
        run(
            "train_bert_fine_tuning.py",
            *common,
            *start,
            f"--ckpt_dir_save={place}",
            f"--learning_rate={rate}",
            f"--head_learning_rate={rate}",
            f"--num_epochs={arguments.epochs}",
            f"--patience={arguments.epochs}",
        )
        start_loss = read_metrics(Path(f"{place}_start"))["history"][0]["valid"]["loss"]
        runs[name] = (start_loss, read_metrics(place)["history"])
    print(table(runs))
    curves = {
        name: [entry["valid"]["f1"] for entry in history] for name, (_, history) in runs.items()
    }
    draw(curves, folder / "original_table.png")


def table(runs: dict[str, tuple[float, Sequence[dict[str, Any]]]]) -> str:
    """The Markdown table.

    Args:
        runs: by start, the validation loss before training, and the history of `metrics.json`.
    """
    epochs = [f"F1 after {epoch}" for epoch in AFTER]
    losses = ["valid loss at the start", *(f"after {epoch}" for epoch in LOSSES_AFTER)]
    header = ["start", *epochs, *losses, "training, s"]
    lines = ["", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    for name, figures in ORIGINAL.items():
        cells = [f"the original's, {name}", *(f"{figure:.2f}" for figure in figures)]
        lines.append(f"| {' | '.join([*cells, *[''] * (len(header) - len(cells))])} |")
    for name, (start, history) in runs.items():
        valid = {entry["epoch"]: entry["valid"] for entry in history}
        cells = [
            name,
            *(f"{valid[epoch]['f1']:.3f}" if epoch in valid else "" for epoch in AFTER),
            f"{start:.2f}",
            *(f"{valid[epoch]['loss']:.2f}" if epoch in valid else "" for epoch in LOSSES_AFTER),
            f"{sum(entry['seconds'] for entry in history):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
