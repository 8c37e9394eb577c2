"""Measures how far probabilities can be trusted, with and without calibration.

    python -m benchmarks.calibration --data=DATA [--data_sets=cail2018,goemotions,afqmc]

Fine-tunes a small network from random weights on the first documents of each data set, for few
epochs. Completed runs in the folder are not repeated. Each checkpoint is then evaluated on the
test documents as it is, and with its calibration undone.

Prints a Markdown table with two rows per data set: the log loss per document, the expected
calibration error, how often labels with a probability from 0.95 to 0.99 are right, and F1.
"""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run
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


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_calibration")
    options.add_argument("--data_sets", default=",".join(FILES))
    options.add_argument("--documents", type=int, default=2000, help="at most, of each split")
    options.add_argument("--num_epochs", type=int, default=2)
    arguments = options.parse_args()
    rows = []
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
            f"--training_data_file={files['train']}",
            f"--valid_data_file={files['valid']}",
            f"--test_data_file={files['test']}",
            "--preset=tiny",
            "--sequence_length=256",
            f"--num_epochs={arguments.num_epochs}",
            "--validate_every=1",
            *OPTIONS[name],
        )
        rows += measure(name, folder / "finetuned", files["test"])
    print(f"\n{markdown(rows)}")


def copy_labelled(source: Path, target: Path, count: int) -> None:
    """Copies the first lines, except those without a label."""
    with source.open(encoding="utf-8") as file:
        lines = (line for line in file if source.suffix == ".json" or "__label__" in line)
        target.write_text("".join(islice(lines, count)), encoding="utf-8")


def measure(title: str, checkpoint: Path, source: Path) -> list[dict[str, Any]]:
    """The rows of the table for one checkpoint: with and without its calibration."""
    quiet_libraries()
    from tasks.classification.calibration import top_label
    from tasks.classification.evaluation import evaluate
    from training.prediction import Predictor

    predictor = Predictor(checkpoint)
    task: Any = predictor.task
    documents = list(read_documents([source], labelled=True))
    logits = np.concatenate(predictor.outputs(predictor.encode([each.texts for each in documents])))
    # Labels that no training or validation document has count as missed elsewhere; here they are
    # left out, because they have no probability.
    targets = np.array(
        [[label in each.labels for label in task.labels] for each in documents], bool
    ).reshape(len(documents), -1)
    numbers = read_metrics(checkpoint)["calibration"]
    scale, bias = numbers["scale"], numbers["bias"]
    without = (logits - bias) / scale, task.thresholds
    if not task.exclusive:
        without = without[0], expit((logit(task.thresholds) - bias) / scale)
    forms = {"without calibration": without, "with calibration": (logits, task.thresholds)}
    rows = []
    for form, (outputs, thresholds) in forms.items():
        found, _ = evaluate(task, outputs.astype(np.float32), targets, thresholds)
        probabilities, right = np.asarray(task.probabilities(outputs)), targets
        if task.exclusive:
            probabilities, right = top_label(probabilities, targets)
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
    return rows


if __name__ == "__main__":
    main()
