"""`make demo`: pre-trains and fine-tunes on the bundled sample, then labels new text.

    python -m benchmarks.demo [--folder=demo_run]

Fine-tunes from the pre-trained checkpoint and from random weights, with the same scripts that a
user would run; each command is printed first. Then learns two other tasks: to find the entities of
a text, and to answer a question about it. Prints a table with one row per start: the best epoch, F1
on the validation documents after the first and after the best epoch, and micro F1, macro F1 and
their mean on the test documents; and the F1 on the test texts of the other tasks.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import metrics_row, pretrain_and_fine_tune, read_metrics, run

SENTENCES = 3
PRETRAINING = ["--preset=tiny", "--num_epochs=25", "--sequence_length_lm=128"]
FINE_TUNING = ["--num_epochs=20", "--patience=20", "--batch_size=16", "--sequence_length=128"]
# From random weights, and by characters.
OTHER_TASKS = ["--ckpt_dir=", "--preset=tiny", "--tokenize_style=char", "--batch_size=16"]
ENTITIES = ["--task=token_classification", "--num_epochs=12", "--head_learning_rate=3e-3"]
ANSWERS = ["--task=question_answering", "--num_epochs=6", "--learning_rate=1e-3"]


def main() -> None:
    """Runs the demonstration."""
    folder = parser(__doc__, data="none", folder="demo_run").parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    pretrain_and_fine_tune(folder, PRETRAINING, FINE_TUNING, ["--preset=tiny"])
    label_sentences(folder)
    find_entities(folder)
    answer_questions(folder)
    starts = {"random weights": "random", "pre-trained": "finetuned"}
    rows = [metrics_row(folder / name, start=start) for start, name in starts.items()]
    entities, answers = (read_metrics(folder / name)["test"] for name in ("entities", "answers"))
    print(f"\n{markdown(rows)}\n\nEntities: test F1 {entities['entity_f1']:.3f}")
    print(f"Answers: test F1 {answers['f1']:.3f}")
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
    for record, result in learned(folder, "entities", ENTITIES):
        text = record["text"]
        for entity in reversed(result["entities"]):
            found = f"[{entity['text']}]({entity['label']})"
            text = text[: entity["start"]] + found + text[entity["end"] :]
        print(f"\n{text}")


def answer_questions(folder: Path) -> None:
    """Learns to answer questions, and prints answers and right ones of the first test questions."""
    for record, result in learned(folder, "answers", ANSWERS, "questions"):
        right = " or ".join(each["text"] for each in record["answers"]) or "none in the text"
        found = f"{result['answer'] or 'none in the text'} ({result['probability']:.2f})"
        print(
            f"\n{record['context']}\n  {record['question']}\n  answer: {found}\n  true:   {right}"
        )


def learned(
    folder: Path, name: str, options: Sequence[str], sample: str = ""
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Learns a task from its part of the sample; returns the first test records with results.

    Args:
        folder: of the demonstration.
        name: of the checkpoint's folder.
        options: of the fine-tuning.
        sample: the part of the sample, if it has another name.
    """
    checkpoint, data = folder / name, f"--data_path={folder / 'data'}"
    save = f"--ckpt_dir_save={checkpoint}"
    run("train_bert_fine_tuning.py", data, save, *options, *OTHER_TASKS)
    file = Path(f"data/sample_{sample or name}_test.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()[:SENTENCES]
    source, target = folder / f"{name}_input.jsonl", folder / f"{name}.jsonl"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("predict.py", f"--ckpt_dir={checkpoint}", f"--input={source}", f"--output={target}")
    results = target.read_text(encoding="utf-8").splitlines()
    return [(json.loads(a), json.loads(b)) for a, b in zip(lines, results, strict=True)]


if __name__ == "__main__":
    main()
