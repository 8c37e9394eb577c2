"""`make demo`: both steps on the bundled sample, with and without pre-training, then a prediction.

    python -m benchmarks.demo [--folder=demo_run]

Runs the scripts as a user would and prints each command before it runs.
"""

import argparse
import json
import shutil
from pathlib import Path

from benchmarks.two_steps import HEADER, both_steps, print_rows, run

SENTENCES = 3
PRETRAINING = ["--preset=tiny", "--num_epochs=25", "--sequence_length_lm=128"]
FINE_TUNING = ["--num_epochs=20", "--patience=20", "--batch_size=16", "--sequence_length=128"]


def main() -> None:
    """Runs the demonstration."""
    parser = argparse.ArgumentParser(description="both steps on the bundled sample")
    parser.add_argument(
        "--folder", type=Path, default=Path("demo_run"), help="takes the checkpoints"
    )
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    both_steps(folder, PRETRAINING, FINE_TUNING, ["--preset=tiny"])
    label_sentences(folder)
    print(HEADER)
    print_rows(folder, title="sample")
    print(f"\nCurves: .venv/bin/tensorboard --logdir {folder}")


def label_sentences(folder: Path) -> None:
    """Labels the first documents of the test file and prints what they are labelled with."""
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
