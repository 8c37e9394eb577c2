"""Compares students that have teachers with one that has none: F1 and size.

    python -m benchmarks.distillation --data=DATA [--data_set=cail2018] [--documents=2000]
        [--unlabelled=4000] [--backbone=text_cnn] [--teacher_preset=small] [--student_preset=tiny]
        [--teacher_epochs=8] [--student_epochs=5] [--sequence_length=256] [--seed=1] [--folder=...]
        [--variants='teacher: words;student: words']

`--data` is the folder of the data sets (see `benchmarks/lib/data_sets.py`). The teachers learn from
the first `--documents` labelled documents: one reads words, one reads characters, one is a
Transformer, and one reads words and has no TF-IDF classifier. The text without labels is that of
the next `--unlabelled` training documents and, where there are not as many, of the raw text of the
data set. The students read words; those called large have the teachers' size. All networks start
from random weights; all students take as many steps as those that read the text without labels take
in `--student_epochs`. `--variants` names rows, separated by semicolons, and brings their teachers
with them. Completed runs in the folder are not repeated.

Prints a Markdown table. "MB" is the size of the weights. "valid F1 of the network" is the best of
the network alone, without the TF-IDF classifier of the student or teacher itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lib.arguments import parser, rows_among
from benchmarks.lib.data_sets import DATA_SETS, first_documents, labelled_files
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, split_flags, validations
from models.checkpoints.folder import WEIGHTS
from models.registry import BACKBONES


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        teachers: names of other rows; empty for a teacher, and for a student that has none.
        student: whether it is a student.
        large: whether it has the teachers' sizes.
        unlabelled: whether it reads the text without labels.
        tokenize_style: what it reads.
        backbone: of its network; empty: the one that all others have.
        options: further options of fine-tuning.
    """

    teachers: tuple[str, ...] = ()
    student: bool = True
    large: bool = False
    unlabelled: bool = False
    tokenize_style: str = "word"
    backbone: str = ""
    options: tuple[str, ...] = ()


WORDS, CHARACTERS, NETWORK = "teacher: words", "teacher: characters", "teacher: words, no TF-IDF"
TRANSFORMER = "teacher: Transformer"
NO_TFIDF = "--tfidf_classifier=false"
VARIANTS = {
    WORDS: Variant(student=False, large=True),
    CHARACTERS: Variant(student=False, large=True, tokenize_style="char"),
    TRANSFORMER: Variant(student=False, large=True, backbone="transformer"),
    NETWORK: Variant(student=False, large=True, options=(NO_TFIDF,)),
    "student: labels alone": Variant(),
    "student: words": Variant((WORDS,)),
    "student: words, raw text": Variant((WORDS,), unlabelled=True),
    "student: words, no TF-IDF, raw text": Variant((NETWORK,), unlabelled=True),
    "student: words + characters, raw text": Variant((WORDS, CHARACTERS), unlabelled=True),
    "student without TF-IDF: labels alone": Variant(options=(NO_TFIDF,)),
    "student without TF-IDF: words + characters, raw text": Variant(
        (WORDS, CHARACTERS), unlabelled=True, options=(NO_TFIDF,)
    ),
    "large student: labels alone": Variant(large=True),
    "large student: words + characters, raw text": Variant(
        (WORDS, CHARACTERS), large=True, unlabelled=True
    ),
    "large student: words + characters + Transformer, raw text": Variant(
        (WORDS, CHARACTERS, TRANSFORMER), large=True, unlabelled=True
    ),
}


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_distillation")
    options.add_argument("--data_set", choices=tuple(DATA_SETS), default="cail2018")
    options.add_argument("--documents", type=int, default=2000, help="labelled ones")
    options.add_argument("--unlabelled", type=int, default=4000, help="without their labels")
    options.add_argument("--backbone", choices=tuple(BACKBONES), default="text_cnn")
    options.add_argument("--teacher_preset", default="small")
    options.add_argument("--student_preset", default="tiny")
    options.add_argument("--teacher_epochs", type=int, default=8)
    options.add_argument("--student_epochs", type=int, default=5)
    options.add_argument("--sequence_length", type=int, default=256)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument(
        "--variants", type=rows_among(VARIANTS), default=list(VARIANTS), help="names of rows"
    )
    arguments = options.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    files = labelled_files(arguments.data, arguments.data_set, arguments.folder)
    files["train"], raw = divided(files["train"], arguments)
    rows = []
    for name, variant in with_teachers(arguments.variants).items():
        _train(name, variant, arguments, files, raw)
        rows.append({"": name, **_result(_folder(arguments, name))})
    print(f"\n{arguments.data_set}\n\n{markdown(rows)}")


def with_teachers(names: Collection[str]) -> dict[str, Variant]:
    """The rows with these names and those of their teachers, teachers first."""
    teachers = {teacher for name in names for teacher in VARIANTS[name].teachers}
    return {name: VARIANTS[name] for name in VARIANTS if name in teachers or name in names}


def divided(train: Path, arguments: Any) -> tuple[Path, Path]:
    """The labelled documents, and text without labels: of those after them, and raw text."""
    lines = train.read_text(encoding="utf-8").splitlines(keepends=True)
    count, parts = arguments.documents, []
    for name, chosen in (("labelled", lines[:count]), ("others", lines[count:])):
        parts.append(arguments.folder / f"{name}{train.suffix}")
        parts[-1].write_text("".join(chosen), encoding="utf-8")
    raw = arguments.folder / "raw.txt"
    further = [arguments.data / name for name in DATA_SETS[arguments.data_set].free_text]
    others = parts[1:] if lines[count:] else []
    first_documents([*others, *further], raw, arguments.unlabelled)
    return parts[0], raw


def _folder(arguments: Any, name: str) -> Path:
    kept = "".join(character if character.isalnum() else "-" for character in name)
    return arguments.folder / kept


def _train(name: str, variant: Variant, arguments: Any, files: dict[str, Path], raw: Path) -> None:
    preset = arguments.teacher_preset if variant.large else arguments.student_preset
    epochs, validate_every = arguments.teacher_epochs, 1
    if variant.student:
        epochs = arguments.student_epochs
        if not variant.unlabelled:  # As many steps, and as many validations.
            with raw.open(encoding="utf-8") as file:
                documents = sum(1 for _ in file) + arguments.documents
            validate_every = max(1, round(documents / arguments.documents))
            epochs *= validate_every
    teachers = ",".join(str(_folder(arguments, each)) for each in variant.teachers)
    run(
        "train_bert_fine_tuning.py",
        f"--data_path={arguments.folder / 'data'}",
        *split_flags(files),
        f"--task={DATA_SETS[arguments.data_set].task}",
        "--ckpt_dir=",
        f"--ckpt_dir_save={_folder(arguments, name)}",
        f"--backbone={variant.backbone or arguments.backbone}",
        f"--preset={preset}",
        f"--sequence_length={arguments.sequence_length}",
        f"--num_epochs={epochs}",
        f"--patience={epochs}",
        f"--validate_every={validate_every}",
        f"--seed={arguments.seed}",
        *([f"--teacher={teachers}"] if teachers else []),
        *([f"--unlabelled_file={raw}"] if variant.unlabelled else []),
        f"--tokenize_style={variant.tokenize_style}",
        *variant.options,
    )


def _result(folder: Path) -> dict[str, Any]:
    metrics = read_metrics(folder)
    alone = [entry["network_f1"] for entry in metrics.get("tfidf_classifier", [])]
    valid = [each["f1"] for each in validations(metrics)]
    test = metrics["test"]
    return {
        "MB": f"{(folder / WEIGHTS).stat().st_size / 1e6:.1f}",
        "valid F1 of the network": f"{max(alone or valid):.3f}",
        "best valid F1": f"{max(valid):.3f}",
        "test micro F1": f"{test['micro_f1']:.3f}",
        "test macro F1": f"{test['macro_f1']:.3f}",
        "test F1": f"{test['f1']:.3f}",
    }


if __name__ == "__main__":
    main()
