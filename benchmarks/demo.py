"""`make demo`: pre-trains and fine-tunes on the bundled sample, then labels new text.

    python -m benchmarks.demo [--folder=demo_run]

Fine-tunes from the pre-trained checkpoint and from random weights, with the same scripts that a
user would run; each command is printed first. Then learns another task: to find the entities of a
text. Prints a table with one row per start: the best epoch, F1 on the validation documents after
the first and after the best epoch, and micro F1, macro F1 and their mean on the test documents; and
the entity F1 on the test texts of the other task.
"""

import json
import shutil
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import metrics_row, pretrain_and_fine_tune, read_metrics, run

SENTENCES = 3
PRETRAINING = ["--preset=tiny", "--num_epochs=25", "--sequence_length_lm=128"]
FINE_TUNING = ["--num_epochs=20", "--patience=20", "--batch_size=16", "--sequence_length=128"]
ENTITIES = [
    "--task=token_classification",
    "--ckpt_dir=",
    "--preset=tiny",
    "--tokenize_style=char",
    "--num_epochs=12",
    "--batch_size=16",
    "--head_learning_rate=3e-3",
]


def main() -> None:
    """Runs the demonstration."""
    folder = parser(__doc__, data="none", folder="demo_run").parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    pretrain_and_fine_tune(folder, PRETRAINING, FINE_TUNING, ["--preset=tiny"])
    label_sentences(folder)
    find_entities(folder)
    starts = {"random weights": "random", "pre-trained": "finetuned"}
    rows = [metrics_row(folder / name, start=start) for start, name in starts.items()]
    entity_f1 = read_metrics(folder / "entities")["test"]["entity_f1"]
    print(f"\n{markdown(rows)}\n\nEntities: test F1 {entity_f1:.3f}")
    print(f"Curves: .venv/bin/tensorboard --logdir {folder}")


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


def find_entities(folder: Path) -> None:
    """Learns to find entities, and prints those of the first test texts in brackets."""
    checkpoint, data = f"{folder}/entities", f"--data_path={folder / 'data'}"
    run("train_bert_fine_tuning.py", data, f"--ckpt_dir_save={checkpoint}", *ENTITIES)
    lines = Path("data/sample_entities_test.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines[:SENTENCES]]
    source, target = folder / "texts.txt", folder / "entities.jsonl"
    source.write_text("\n".join(texts) + "\n", encoding="utf-8")
    run("predict.py", f"--ckpt_dir={checkpoint}", f"--input={source}", f"--output={target}")
    results = target.read_text(encoding="utf-8").splitlines()
    for text, result in zip(texts, results, strict=True):
        for entity in reversed(json.loads(result)["entities"]):
            found = f"[{entity['text']}]({entity['label']})"
            text = text[: entity["start"]] + found + text[entity["end"] :]
        print(f"\n{text}")


if __name__ == "__main__":
    main()
