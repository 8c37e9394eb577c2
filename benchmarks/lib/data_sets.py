"""The data sets of the experiments: their files and settings."""

import itertools
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_util.reading.documents import read_documents
from data_util.reading.labels import LabelSet

logger = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class DataSet:
    """A labelled data set in three files, and raw text of the same domain.

    Attributes:
        files: the file of each split, relative to the folder of the data sets.
        features: keys of `benchmarks.lib.baselines.FEATURES` that the linear baselines try.
        pretraining_epochs: the epochs of pre-training.
        free_text: raw text for pre-training, in addition to the training documents.
        task: the `--task` of the networks.
        tokenize_style: the tokenizer of the networks and of fastText; empty: the default of the
            scripts, which depends on the text, and words for fastText.
        knowledge: further options of fine-tuning and files of the data folder for them: what raw
            text and descriptions say of the labels.
    """

    files: dict[str, str]
    features: tuple[str, ...]
    pretraining_epochs: int
    free_text: tuple[str, ...] = field(default=())
    task: str = "multi_label"
    tokenize_style: str = "word"
    knowledge: Mapping[str, str] = field(default_factory=dict)


DATA_SETS = {
    "cail2018": DataSet(
        files={split: f"cail2018/{split}.json" for split in SPLITS},
        free_text=("legal_corpus/train.txt",),
        features=("characters", "words"),
        pretraining_epochs=8,
        knowledge={
            "mention_source_file": "legal_corpus/train.txt",
            "label_descriptions_file": "charge_descriptions/cail2018_label_description.tsv",
        },
    ),
    "zhihu": DataSet(
        files={split: f"zhihu/bert_{split}.txt" for split in SPLITS},
        features=("tokens",),
        pretraining_epochs=20,
    ),
    "goemotions": DataSet(
        files={split: f"goemotions/{split}.txt" for split in SPLITS},
        features=("tokens", "characters"),
        pretraining_epochs=10,
    ),
    "csl_titles": DataSet(
        files={
            split: f"csl_titles/cls_ctg_{name}.tsv"
            for split, name in (("train", "train"), ("valid", "dev"), ("test", "test"))
        },
        features=("characters", "short_characters", "words"),
        pretraining_epochs=20,
        task="multi_class",
        tokenize_style="",
    ),
}


def labelled_files(data: Path, name: str, folder: Path) -> dict[str, Path]:
    """Returns the file of each split, in a format of the project and without unlabelled lines.

    Published files contain such lines (the last line of a file that was truncated). The project's
    scripts reject them, so a copy without them is made and their number is logged. Of tables
    (`text<TAB>label`) a copy is made as well.

    Args:
        data: the folder of the data sets.
        name: a key of `DATA_SETS`.
        folder: for the copies.
    """
    files = {}
    for split, relative in DATA_SETS[name].files.items():
        source = data / relative
        if source.suffix == ".json":
            files[split] = source
            continue
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        if source.suffix == ".tsv":
            lines = [line.replace("\t", " __label__") for line in lines]
            files[split] = folder / f"{name}_{split}.txt"
            files[split].write_text("".join(lines), encoding="utf-8")
            continue
        kept = [line for line in lines if "__label__" in line]
        files[split] = source
        if len(kept) < len(lines):
            files[split] = folder / f"{name}_{split}.txt"
            files[split].write_text("".join(kept), encoding="utf-8")
            logger.warning("%s: %d lines without a label left out", source, len(lines) - len(kept))
    return files


def first_documents(sources: Sequence[Path], target: Path, count: int) -> int:
    """Copies the text of the first documents, one per line.

    Args:
        sources: files that `read_documents` can read.
        target: the file to write.
        count: the maximum number of documents.

    Returns:
        The number of documents.
    """
    documents = itertools.islice(read_documents(sources, labelled=False), count)
    texts = [document.text.replace("\n", " ") for document in documents]
    target.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return len(texts)


def first_lines(source: Path, folder: Path, count: int) -> Path:
    """Copies the first lines of a file, such as its first labelled documents.

    Args:
        source: the file.
        folder: for the copy, whose name is `source`'s with the count.
        count: the maximum number of lines.

    Returns:
        The copy.
    """
    target = folder / f"{source.stem}-{count}{source.suffix}"
    with source.open(encoding="utf-8", newline="") as lines:
        target.write_text("".join(itertools.islice(lines, count)), encoding="utf-8", newline="")
    return target


@dataclass(frozen=True)
class Split:
    """The documents of a split.

    Attributes:
        texts: the texts.
        targets: (documents, labels) int64, 1 for the labels of a document.
        labels: the names of the labels.
    """

    texts: list[str]
    targets: np.ndarray
    labels: tuple[str, ...]


def read_splits(files: dict[str, Path]) -> dict[str, Split]:
    """Reads the documents of each split, with one list of labels as in the project's scripts.

    The targets are int64, because scikit-learn 1.9.1 scrambles int8 targets of more than 128
    columns.
    """
    documents = {
        split: list(read_documents([path], labelled=True)) for split, path in files.items()
    }
    counts = Counter(label for document in documents["train"] for label in document.labels)
    known = LabelSet.from_counts(counts).labels
    others = (label for split in documents.values() for one in split for label in one.labels)
    index = {label: number for number, label in enumerate(dict.fromkeys((*known, *others)))}
    splits = {}
    for split, entries in documents.items():
        targets = np.zeros((len(entries), len(index)), dtype=np.int64)
        for row, document in enumerate(entries):
            targets[row, [index[label] for label in document.labels]] = 1
        splits[split] = Split([document.text for document in entries], targets, tuple(index))
    return splits
