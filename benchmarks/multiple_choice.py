"""Answers multiple-choice questions and compares with choosing by length and by similarity.

    python -m benchmarks.multiple_choice --data=DATA [--data_sets=c3,cail2021_argument_choice]
        [--backbones=text_cnn,transformer] [--limit=2000] [--epochs=3] [--sequence_length=256]

`--data` has a folder for each data set, with `train.jsonl`, `dev.jsonl` and `test.jsonl`. `--limit`
takes so many training questions, and a quarter as many for validation and test. The networks start
from random weights. Completed runs in the folder are not repeated.

Prints a Markdown table for each data set: the accuracy on the validation and on the test questions
of chance, of the longest choice, of the choice whose TF-IDF vector (characters, 1 to 3) is most
similar to that of context and question, and of the networks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, split_flags, validations
from data_util.reading.settings import DEFAULT_READING
from models.registry import BACKBONES
from tasks.multiple_choice.data import split_examples
from tasks.multiple_choice.records import Question, read_questions
from training.command_line import quiet_libraries

SPLITS = {"train": "train", "valid": "dev", "test": "test"}
DATA_SETS = ("c3", "cail2021_argument_choice")


def main() -> None:
    """Runs what is missing and prints the tables."""
    options = parser(__doc__, folder="checkpoint_choices")
    options.add_argument("--data_sets", default=",".join(DATA_SETS))
    options.add_argument("--backbones", default=",".join(BACKBONES))
    options.add_argument("--limit", type=int, default=None)
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--sequence_length", type=int, default=256)
    options.add_argument("--preset", default="tiny")
    arguments = options.parse_args()
    quiet_libraries()
    for name in arguments.data_sets.split(","):
        folder = arguments.folder / f"{name}-{arguments.limit or 'all'}"
        files = limited(arguments.data / name, folder / "files", arguments.limit)
        questions = {
            split: list(read_questions([path], DEFAULT_READING)) for split, path in files.items()
        }
        rows = [*baselines(questions)]
        for backbone in arguments.backbones.split(","):
            rows.append(_network(backbone, files, folder, arguments))
        numbers = ", ".join(f"{len(each):,} {split}" for split, each in questions.items())
        print(f"\n{name} ({numbers} questions)\n\n{markdown(rows)}")


def limited(data: Path, folder: Path, limit: int | None) -> dict[str, Path]:
    """The files of each split, with at most so many questions."""
    files = {}
    for split, name in SPLITS.items():
        files[split] = data / f"{name}.jsonl"
        if limit is not None:
            most = limit if split == "train" else max(limit // 4, 1)
            found = islice(split_examples([files[split]], DEFAULT_READING, None), most)
            lines = [json.dumps(each.record, ensure_ascii=False) + "\n" for each in found]
            folder.mkdir(parents=True, exist_ok=True)
            files[split] = folder / f"{name}.jsonl"
            files[split].write_text("".join(lines), encoding="utf-8")
    return files


def baselines(questions: Mapping[str, Sequence[Question]]) -> list[dict[str, str]]:
    """A row for each way to answer without a network."""
    ways: dict[str, Callable[[Question], int]] = {
        "the longest choice": lambda each: int(np.argmax([*map(len, each.choices)])),
        "TF-IDF similarity": _by_similarity(questions["train"]),
    }
    measured = {split: questions[split] for split in ("valid", "test")}
    chance = {
        split: float(np.mean([1 / len(each.choices) for each in found]))
        for split, found in measured.items()
    }
    rows = [_row("chance", chance)]
    for name, way in ways.items():
        accuracy = {
            split: float(np.mean([way(each) == each.answer for each in found]))
            for split, found in measured.items()
        }
        rows.append(_row(name, accuracy))
    return rows


def _by_similarity(train: Sequence[Question]) -> Callable[[Question], int]:
    """Chooses the text with the largest cosine of TF-IDF vectors; of equal ones the first."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    vectorizer.fit(text for each in train for text in each.texts if text)

    def choose(question: Question) -> int:
        asked = f"{question.context} {question.question}"
        vectors = vectorizer.transform([asked, *question.choices])
        return int(np.asarray((vectors[1:] @ vectors[0].T).todense()).ravel().argmax())

    return choose


def _network(
    backbone: str, files: Mapping[str, Path], folder: Path, arguments: Any
) -> dict[str, str]:
    target = folder / backbone
    run(
        "train_bert_fine_tuning.py",
        "--task=multiple_choice",
        "--ckpt_dir=",
        f"--ckpt_dir_save={target}",
        f"--data_path={folder / 'data'}",
        *split_flags(files),
        f"--backbone={backbone}",
        f"--preset={arguments.preset}",
        "--tokenize_style=char",
        f"--sequence_length={arguments.sequence_length}",
        f"--num_epochs={arguments.epochs}",
        f"--patience={arguments.epochs}",
        "--batch_size=16",
        "--learning_rate=1e-3",
        "--head_learning_rate=1e-3",
    )
    metrics = read_metrics(target)
    best = max(each["accuracy"] for each in validations(metrics))
    title = f"{backbone} `{arguments.preset}`, random weights"
    return _row(title, {"valid": best, "test": metrics["test"]["accuracy"]})


def _row(name: str, accuracy: Mapping[str, float]) -> dict[str, str]:
    figures = {f"{split} accuracy": f"{value:.3f}" for split, value in accuracy.items()}
    return {"who answers": name, **figures}


if __name__ == "__main__":
    main()
