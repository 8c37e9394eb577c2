"""Answers questions about passages, and compares with two ways that learn nothing.

    python -m benchmarks.questions --data=DATA/cjrc [--backbone=text_cnn] [--folder=...]

`--data` contains `train.json`, `valid.json` and `test.json` in SQuAD's form. The command fine-tunes
from random weights; `--free_text=FILES` pre-trains on raw text first, and fine-tunes from there,
too. `--bert` also trains transformers' BertForQuestionAnswering of the same size. Completed runs in
the folder are not repeated.

Prints a Markdown table: F1 and exact match on the validation and the test questions, and of the
test questions that have an answer and of those that have none. The two that learn nothing answer
every question with a sentence of the passage: the first one, and the one that shares most
characters with the question (words, if the text has spaces between them).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.bert_questions import bert_for_question_answering
from benchmarks.lib.measuring import markdown
from benchmarks.lib.peer_options import peer_options
from benchmarks.lib.results import Results
from benchmarks.lib.runs import flags, pretrain_and_fine_tune, read_metrics, run, split_flags
from common.whole_files import write_whole
from data_util.reading.settings import DEFAULT_READING
from models.presets import PRESETS
from models.registry import BACKBONES
from tasks.question_answering.files import read_questions
from tasks.question_answering.metrics import answer_metrics, rules_of, score
from tasks.question_answering.records import Question
from tasks.question_answering.task import QuestionAnswering
from training.command_line import quiet_libraries

FINE_TUNING = {"task": "question_answering", "sequence_length": 512, "batch_size": 16}
TOKENS = {"tokenize_style": "char"}
# From random weights; the usual 5e-5 is for released ones.
PEER_RATE = 1e-3
SPLITS = ("valid", "test")
_END = re.compile(r"[。！？；，,;!?\n]|\.(?=\s|$)")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_questions")
    options.add_argument("--backbone", choices=tuple(BACKBONES), default="text_cnn")
    options.add_argument("--preset", default="tiny")
    options.add_argument("--free_text", default="", help="raw text to pre-train on")
    options.add_argument("--num_epochs", type=int, default=5)
    options.add_argument("--pretraining_epochs", type=int, default=1)
    options.add_argument("--train_questions", type=int, help="the first so many; default: all")
    options.add_argument("--bert", action="store_true", help="train the peer, too")
    options.add_argument("--measured_questions", type=int, help="of valid and of test, likewise")
    arguments = options.parse_args()
    limits = dict.fromkeys(SPLITS, arguments.measured_questions)
    files = {
        name: first_questions(arguments.data / f"{name}.json", limit, arguments.folder)
        for name, limit in {"train": arguments.train_questions, **limits}.items()
    }
    size = [
        f"--backbone={arguments.backbone}",
        f"--preset={arguments.preset}",
        *flags(TOKENS),
    ]
    fine_tuning = [
        *split_flags(files),
        *flags(FINE_TUNING),
        f"--num_epochs={arguments.num_epochs}",
    ]
    names = {"random weights": "random"}
    if arguments.free_text:
        names["pre-trained"] = "finetuned"
        pretraining = [
            f"--mask_lm_source_file={arguments.free_text}",
            f"--num_epochs={arguments.pretraining_epochs}",
        ]
        pretrain_and_fine_tune(arguments.folder, [*pretraining, *size], fine_tuning, size)
    else:
        data, save = arguments.folder / "data", arguments.folder / "random"
        start = [f"--data_path={data}", f"--ckpt_dir_save={save}", "--ckpt_dir="]
        run("train_bert_fine_tuning.py", *start, *size, *fine_tuning)
    questions = {split: list(read_questions([str(files[split])])) for split in SPLITS}
    rules = rules_of(each.question for each in questions["valid"])
    rows = [
        table_row(name, *(measured(questions[split], answer, rules) for split in SPLITS))
        for name, answer in (("first sentence", first_sentence), ("most alike", most_alike))
    ]
    for title, folder in names.items():
        metrics = read_metrics(arguments.folder / folder)
        (best,) = (
            entry["valid"]
            for entry in metrics["history"]
            if entry["epoch"] == metrics["best_epoch"]
        )
        name = f"{arguments.backbone} `{arguments.preset}`, {title}"
        rows.append(table_row(name, best, metrics["test"]))
    if arguments.bert:
        given = ("preset", "num_epochs", "train_questions", "measured_questions")
        setting = {"system": "bert", **{name: getattr(arguments, name) for name in given}}
        results = Results(arguments.folder / "peers.jsonl")
        rows.append(results.once(setting, partial(peer_row, arguments, files)))
    print(f"\n{markdown(rows)}")


def peer_row(arguments: Any, files: Mapping[str, Path]) -> dict[str, str]:
    """The row of transformers' BertForQuestionAnswering."""
    quiet_libraries()
    options = peer_options(files, arguments.folder, **FINE_TUNING, **TOKENS)
    sizes = PRESETS[arguments.preset]
    metrics = bert_for_question_answering(
        options, sizes, epochs=arguments.num_epochs, rate=PEER_RATE
    )
    return table_row(f"BertForQuestionAnswering `{arguments.preset}`, random weights", *metrics)


def first_questions(path: Path, limit: int | None, folder: Path) -> Path:
    """A file with the first questions of another one; the whole one without a limit."""
    if limit is None:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    examples = QuestionAnswering.split_examples([path], DEFAULT_READING, limit)
    lines = (json.dumps(example.record, ensure_ascii=False) + "\n" for example in examples)
    shorter = folder / f"{path.stem}-{limit}.jsonl"
    write_whole(shorter, "".join(lines).encode())
    return shorter


def table_row(name: str, valid: dict[str, float], test: dict[str, float]) -> dict[str, str]:
    """A row of the table, from the metrics of both splits."""
    values = {
        "valid F1": valid["f1"],
        "test F1": test["f1"],
        "test exact match": test["exact_match"],
        "F1, answerable": test.get("answerable_f1"),
        "exact match, answerable": test.get("answerable_exact_match"),
        "right, unanswerable": test.get("unanswerable_accuracy"),
    }
    cells = {key: "" if value is None else f"{value:.3f}" for key, value in values.items()}
    return {"answer": name, **cells}


def measured(
    questions: Sequence[Question], answer: Callable[[str, str], str], rules: str
) -> dict[str, float]:
    """The metrics of answers that a function gives, of a question and its passage."""
    found = [score(answer(*each.record), each.answers, rules) for each in questions]
    exact, f1 = np.array(found).T
    return answer_metrics(exact, f1, [bool(each.answers) for each in questions])


def sentences_of(context: str) -> list[str]:
    """The parts of a passage between full stops, commas and the like."""
    found = (each.strip() for each in _END.split(context))
    return [each for each in found if each] or [context]


def first_sentence(question: str, context: str) -> str:
    """The first sentence of the passage."""
    return sentences_of(context)[0]


def most_alike(question: str, context: str) -> str:
    """The sentence that shares most words with the question, the first of those that do."""
    asked = set(_WORD.findall(question.lower()))
    shared = [len(asked & set(_WORD.findall(each.lower()))) for each in sentences_of(context)]
    return sentences_of(context)[int(np.argmax(shared))]


if __name__ == "__main__":
    main()
