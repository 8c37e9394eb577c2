"""Measures how far probabilities can be trusted, with and without calibration.

    python -m benchmarks.calibration --data=DATA [--data_sets=cail2018,goemotions,afqmc]

Fine-tunes a small network from random weights on the first documents of each data set, for few
epochs. Completed runs in the folder are not repeated. Each checkpoint is then evaluated on the
test documents as it is, and with its calibration undone.

Prints a Markdown table with two rows per data set: the log loss per document, the expected
calibration error, how often labels with a probability from 0.95 to 0.99 are right, and F1.
A second table has the log loss on the test documents if the calibration is fitted to only a few of
the validation documents, drawn at random: the mean and the highest of 20 draws.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, split_flags
from common.random_streams import random_generator
from data_util.reading.documents import read_documents
from training.command_line import quiet_libraries

FILES = {
    "cail2018": "cail2018/{}.json",
    "goemotions": "goemotions/{}.txt",
    "afqmc": "afqmc/{}.txt",
}
OPTIONS: dict[str, list[str]] = {
    "cail2018": [],
    "goemotions": [],
    "afqmc": ["--task=multi_class", "--tokenize_style=char"],
}
# Of the second table: the numbers of validation documents, and how often they are drawn.
FEW, DRAWS = (10, 20, 50), 20


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_calibration")
    options.add_argument("--data_sets", default=",".join(FILES))
    options.add_argument("--documents", type=int, default=2000, help="at most, of each split")
    options.add_argument("--num_epochs", type=int, default=2)
    arguments = options.parse_args()
    rows, few = [], []
    for name in arguments.data_sets.split(","):
        folder, files = arguments.folder / name, {}
        folder.mkdir(parents=True, exist_ok=True)
        for split in ("train", "valid", "test"):
            source = arguments.data / FILES[name].format(split)
            files[split] = folder / f"{split}{source.suffix}"
            copy_labelled(source, files[split], arguments.documents)
        run(
            "train_bert_fine_tuning.py",
            "--ckpt_dir=",
            f"--ckpt_dir_save={folder / 'finetuned'}",
            f"--data_path={folder / 'data'}",
            *split_flags(files),
            "--preset=tiny",
            "--sequence_length=256",
            f"--num_epochs={arguments.num_epochs}",
            "--validate_every=1",
            *OPTIONS[name],
        )
        tests, draws = measure(name, folder / "finetuned", files)
        rows += tests
        few.append(draws)
    print(f"\n{markdown(rows)}\n\n{markdown(few)}")


def copy_labelled(source: Path, target: Path, count: int) -> None:
    """Copies the first lines, except those without a label."""
    with source.open(encoding="utf-8") as file:
        lines = (line for line in file if source.suffix == ".json" or "__label__" in line)
        target.write_text("".join(islice(lines, count)), encoding="utf-8")


def measure(
    title: str, checkpoint: Path, files: Mapping[str, Path]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of the first table for one checkpoint, and its row of the second."""
    quiet_libraries()
    from tasks.classification.calibration import fit_calibration, top_label
    from tasks.classification.evaluation import evaluate
    from training.prediction import Predictor

    predictor = Predictor(checkpoint)
    task: Any = predictor.task
    numbers = read_metrics(checkpoint)["calibration"]
    scale, bias = numbers["scale"], numbers["bias"]
    logits, targets = {}, {}
    for split in ("valid", "test"):
        documents = list(read_documents([files[split]], labelled=True))
        encoded = predictor.encode([each.texts for each in documents])
        logits[split] = np.concatenate(predictor.outputs(encoded))
        # Labels that no training or validation document has are left out.
        truth = [[label in each.labels for label in task.labels] for each in documents]
        targets[split] = np.array(truth, bool)
    raw = {split: (each - bias) / scale for split, each in logits.items()}
    thresholds = task.thresholds
    if not task.exclusive:
        thresholds = expit((logit(thresholds) - bias) / scale)
    rows = []
    for form, outputs, limits in (
        ("without calibration", raw["test"], thresholds),
        ("with calibration", logits["test"], task.thresholds),
    ):
        found, _ = evaluate(task, outputs.astype(np.float32), targets["test"], limits)
        probabilities, right = np.asarray(task.probabilities(outputs)), targets["test"]
        if task.exclusive:
            probabilities, right = top_label(probabilities, right)
        sure = (probabilities >= 0.95) & (probabilities <= 0.99)
        rows.append(
            {
                "data set": title,
                "probabilities": form,
                "log loss": f"{found['log_loss']:.3f}",
                "calibration error": f"{found['calibration_error']:.4f}",
                "right at 0.95 to 0.99": f"{right[sure].mean():.1%}" if sure.any() else "none",
                "micro F1": f"{found['micro_f1']:.3f}",
                "macro F1": f"{found['macro_f1']:.3f}",
            }
        )

    def log_loss(outputs: np.ndarray) -> float:
        return float(np.mean(task.loss({}, targets["test"], outputs.astype(np.float32))[0]))

    few = {"data set": title, "not calibrated": f"{log_loss(raw['test']):.3f}"}
    generator = random_generator(0, "calibration")
    for number in FEW:
        losses = []
        for _ in range(DRAWS):
            chosen = generator.choice(len(raw["valid"]), number, replace=False)
            fitted = fit_calibration(
                raw["valid"][chosen], targets["valid"][chosen], exclusive=task.exclusive
            )
            losses.append(log_loss(fitted(raw["test"])))
        few[f"{number} documents"] = f"{np.mean(losses):.3f} (at most {max(losses):.3f})"
    few["all"] = f"{log_loss(logits['test']):.3f}"
    return rows, few


if __name__ == "__main__":
    main()
