"""`make demo`: both steps on the bundled sample, with and without pre-training, then a prediction.

    python -m benchmarks.demo [--folder=demo_run]

Runs the scripts as a user would and prints each command before it runs.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

SENTENCES = 3
FINE_TUNING = ["--num_epochs=12", "--patience=12"]


def main() -> None:
    """Runs the demonstration."""
    parser = argparse.ArgumentParser(description="both steps on the bundled sample")
    parser.add_argument("--folder", default="demo_run", help="takes the three checkpoints")
    folder = Path(parser.parse_args().folder)
    shutil.rmtree(folder, ignore_errors=True)
    data = ["--data_path", str(folder / "data")]

    run("train_bert_lm.py", *data, f"--ckpt_dir={folder}/pretrained", "--num_epochs=25")
    for start, ckpt_dir in (("random", ""), ("finetuned", f"{folder}/pretrained")):
        run(
            "train_bert_fine_tuning.py",
            *data,
            *FINE_TUNING,
            f"--ckpt_dir={ckpt_dir}",
            f"--ckpt_dir_save={folder}/{start}",
        )
    print_figures(folder)
    label_sentences(folder)


def run(script: str, *options: str) -> None:
    """Runs a script of the project and shows its command line; ends this program if it fails."""
    command = [script, *options]
    print(f"\n$ python {shlex.join(command)}", flush=True)
    status = subprocess.run([sys.executable, *command], check=False).returncode
    if status:
        sys.exit(status)


def print_figures(folder: Path) -> None:
    """Prints the test figures of both classifiers, side by side."""
    print("\nF1 on the sample's test documents:\n")
    print(f"{'':24}{'micro F1':>10}{'macro F1':>10}{'mean':>10}{'best epoch':>12}")
    for title, name in (("random weights", "random"), ("pre-trained", "finetuned")):
        metrics = json.loads((folder / name / "metrics.json").read_text(encoding="utf-8"))
        test = metrics["test"]
        figures = "".join(f"{test[key]:10.3f}" for key in ("micro_f1", "macro_f1", "f1"))
        print(f"{title:24}{figures}{metrics['best_epoch']:12d}")


def label_sentences(folder: Path) -> None:
    """Labels the first documents of the test file and prints what they are labelled with."""
    lines = Path("data/sample_test.txt").read_text(encoding="utf-8").splitlines()[:SENTENCES]
    texts = [line.split(" __label__")[0] for line in lines]
    source = folder / "sentences.txt"
    source.write_text("\n".join(texts) + "\n", encoding="utf-8")
    target = folder / "labels.jsonl"
    run("predict.py", f"--ckpt_dir={folder}/finetuned", f"--input={source}", f"--output={target}")
    results = target.read_text(encoding="utf-8").splitlines()
    for text, line, result in zip(texts, lines, results, strict=True):
        true = line.split(" __label__")[1:]
        found = [f"{e['label']} ({e['probability']:.2f})" for e in json.loads(result)["labels"]]
        print(f"\n{text}\n  predicted: {', '.join(found)}\n  true:      {', '.join(true)}")


if __name__ == "__main__":
    main()
