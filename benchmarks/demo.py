"""`make demo`: pre-trains and fine-tunes on the bundled sample, then labels new text.

    python -m benchmarks.demo [--folder=demo_run]

Fine-tunes from the pre-trained checkpoint and from random weights, with the same scripts that a
user would run; each command is printed first. Prints a table with one row per start: the best
epoch, F1 on the validation documents after the first and after the best epoch, and micro F1, macro
F1 and their mean on the test documents.
"""

import json
import shutil
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import metrics_row, pretrain_and_fine_tune, run

SENTENCES = 3
PRETRAINING = ["--preset=tiny", "--num_epochs=25", "--sequence_length_lm=128"]
FINE_TUNING = ["--num_epochs=20", "--patience=20", "--batch_size=16", "--sequence_length=128"]


def main() -> None:
    """Runs the demonstration."""
    folder = parser(__doc__, data="none", folder="demo_run").parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    pretrain_and_fine_tune(folder, PRETRAINING, FINE_TUNING, ["--preset=tiny"])
    label_sentences(folder)
    starts = {"random weights": "random", "pre-trained": "finetuned"}
    rows = [metrics_row(folder / name, start=start) for start, name in starts.items()]
    print(f"\n{markdown(rows)}\n\nCurves: .venv/bin/tensorboard --logdir {folder}")


def label_sentences(folder: Path) -> None:
    """Labels the first documents of the test file and prints predicted and true labels."""
    lines = Path("data/sample_test.txt").read_text(encoding="utf-8").splitlines()[:SENTENCES]
    texts = [line.split(" __label__")[0] for line in lines]
    source, target = folder / "sentences.txt", folder / "labels.jsonl"
    source.write_text("\n".join(texts) + "\n", encoding="utf-8")
    run("predict.py", f"--ckpt_dir={folder}/finetuned", f"--input={source}", f"--output={target}")
    results = target.read_text(encoding="utf-8").splitlines()
    for text, line, result in zip(texts, lines, results, strict=True):
        true = line.split(" __label__")[1:]
        found = [
            f"{entry['label']} ({entry['probability']:.2f})"
            for entry in json.loads(result)["labels"]
        ]
        print(f"\n{text}\n  predicted: {', '.join(found)}\n  true:      {', '.join(true)}")


if __name__ == "__main__":
    main()
