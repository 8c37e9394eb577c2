"""The data sets of the experiments: their files, and the settings that fit each of them."""

import itertools
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_util.reading.documents import read_documents
from data_util.reading.labels import LabelSet

logger = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class DataSet:
    """A labelled data set in three files, and free text of the same domain.

    Attributes:
        files: by split, relative to the folder of the data sets.
        free_text: for pre-training, beside the training documents.
        features: arguments of scikit-learn's `TfidfVectorizer`.
        tokenize_style: of the networks and of fastText.
        pretraining_epochs: passes over the free text.
    """

    files: dict[str, str]
    features: dict[str, Any]
    tokenize_style: str
    pretraining_epochs: int
    free_text: tuple[str, ...] = field(default=())


DATA_SETS = {
    "cail2018": DataSet(
        files={split: f"cail2018/{split}.json" for split in SPLITS},
        free_text=("legal_corpus/train.txt",),
        features={"analyzer": "char", "ngram_range": (1, 3), "min_df": 2, "sublinear_tf": True},
        tokenize_style="word",
        pretraining_epochs=8,
    ),
    "zhihu": DataSet(
        files={split: f"zhihu/bert_{split}.txt" for split in SPLITS},
        features={
            "token_pattern": r"\S+",
            "ngram_range": (1, 2),
            "min_df": 2,
            "sublinear_tf": True,
        },
        tokenize_style="space",
        pretraining_epochs=20,
    ),
    "goemotions": DataSet(
        files={split: f"goemotions/{split}.txt" for split in SPLITS},
        features={"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True},
        tokenize_style="word",
        pretraining_epochs=10,
    ),
}


def labelled_files(data: Path, name: str, folder: Path) -> dict[str, Path]:
    """The files of each split, without lines that have no label.

    Published files have such lines (the last one of a file that was cut at some size). They are an
    error to the project's scripts, so a copy without them is made and their number is logged.

    Args:
        data: the folder of the data sets.
        name: a key of `DATA_SETS`.
        folder: takes the copies.
    """
    files = {}
    for split, relative in DATA_SETS[name].files.items():
        source = data / relative
        if source.suffix == ".json":
            files[split] = source
            continue
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
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
        sources: files that `read_documents` reads.
        target: the file to write.
        count: of documents, at most.

    Returns:
        How many documents there were.
    """
    documents = itertools.islice(read_documents(sources, labelled=False), count)
    texts = [document.text.replace("\n", " ") for document in documents]
    target.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return len(texts)


@dataclass(frozen=True)
class Split:
    """Texts and (documents, labels) int64 targets, 1 at each label of a document."""

    texts: list[str]
    targets: np.ndarray
    labels: tuple[str, ...]


def read_splits(files: dict[str, Path]) -> dict[str, Split]:
    """The documents of each split over one label list, that of the project's scripts.

    int64, because scikit-learn 1.9.1 scrambles int8 targets of more than 128 columns.
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
