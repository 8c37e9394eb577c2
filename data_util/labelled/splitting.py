"""Splits labelled files at random: by seed, stratified by label, each text on one side only."""

import codecs
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.files import digests
from common.random_streams import random_generator
from common.whole_files import whole_file
from data_util.cache.reading import fingerprint
from data_util.labelled.split_examples import ReadExamples, SplitExample, Texts, labelled_documents
from data_util.reading.records import described
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import data_files

logger = logging.getLogger(__name__)

TRAIN = "train"


def split_files(
    paths: Sequence[str | os.PathLike[str]],
    ratios: Mapping[str, float],
    *,
    seed: int,
    folder: Path,
    reading: Reading = DEFAULT_READING,
    max_documents: int | None = None,
    read: ReadExamples = labelled_documents,
) -> dict[str, str]:
    """Writes the documents of labelled files as JSON lines, in one file for each split.

    The files can be read with the same `reading`. "source" in a record says where it comes from.

    Args:
        paths: the labelled files.
        ratios: fraction of the distinct texts by split; the rest is "train".
        seed: of the choice.
        folder: where the files are written, named by their content.
        reading: how to read the labelled files.
        max_documents: the most documents to read.
        read: reads the examples, which need not be documents with labels.

    Returns:
        The file of each split, "train" first.

    Raises:
        InputError: the files cannot be read, or have too few documents.
    """
    source = _Source(paths, reading, max_documents, read)
    sides = assign(source.texts_and_labels(), ratios, seed)
    counts = Counter(sides)
    names = (TRAIN, *ratios)
    for split in names:
        if not counts[split]:
            raise InputError(
                f"too few different texts to hold some out for {split}: name files of their own "
                f"with --valid_data_file and --test_data_file",
                source.files[0],
            )
    written = source.write(sides, names, folder, {"ratios": dict(ratios), "seed": seed})
    for split in ratios:
        logger.info(
            "%s: %s of %s documents are held out, by seed %d and stratified by label (%s)",
            split,
            f"{counts[split]:,}",
            f"{len(sides):,}",
            seed,
            written[split],
        )
    return written


def fold_files(
    paths: Sequence[str | os.PathLike[str]],
    count: int,
    *,
    seed: int,
    folder: Path,
    reading: Reading = DEFAULT_READING,
    max_documents: int | None = None,
    read: ReadExamples = labelled_documents,
) -> list[str]:
    """Writes the documents of labelled files as JSON lines, in one file for each fold.

    Args:
        paths, seed, folder, reading, max_documents, read: as for `split_files`.
        count: how many folds.

    Returns:
        The file of each fold; each document is in one of them.

    Raises:
        InputError: the files cannot be read, or have fewer different texts than there are folds.
    """
    source = _Source(paths, reading, max_documents, read)
    folds = assign_folds(source.texts_and_labels(), count, seed)
    used = len(set(folds))
    if used < count:
        raise InputError(
            f"{used} different texts are too few for {count} folds: give a smaller "
            "--cross_validation",
            source.files[0],
        )
    names = [f"fold-{number}" for number in range(1, count + 1)]
    sides = [names[fold] for fold in folds]
    return list(source.write(sides, names, folder, {"folds": count, "seed": seed}).values())


class _Source:
    """The examples of labelled files, which are read twice: to choose sides, and to write them."""

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        reading: Reading,
        max_documents: int | None,
        read: ReadExamples,
    ) -> None:
        self.files = data_files(paths)
        self._reading, self._max_documents, self._read = reading, max_documents, read

    def texts_and_labels(self) -> Iterator[tuple[Texts, Sequence[str]]]:
        return ((example.texts, example.labels) for example in self._examples())

    def write(
        self,
        sides: Sequence[str],
        names: Sequence[str],
        folder: Path,
        choice: Mapping[str, Any],
    ) -> dict[str, str]:
        """Writes a file for each side.

        Args:
            sides: the side of each document.
            names: of the sides.
            folder: where the files are written.
            choice: how the sides were chosen.

        Returns:
            The file of each side, in the order of `names`.
        """
        description = {
            "kind": "split",
            "read": f"{self._read.__module__}.{self._read.__qualname__}",
            "sources": digests(self.files),
            "reading": described(self.files, self._reading),
            **choice,
            "max_documents": self._max_documents,
        }
        key = fingerprint(description)[:16]
        folder.mkdir(parents=True, exist_ok=True)
        targets = {name: folder / f"split-{key}-{name}.jsonl" for name in names}
        with ExitStack() as stack:
            opened = {
                name: stack.enter_context(whole_file(target)) for name, target in targets.items()
            }
            # One encoder a file, because UTF-16 has a mark at the start of a file alone.
            new_encoder = codecs.getincrementalencoder(self._reading.encoding)
            encoders = {name: new_encoder() for name in names}
            for side, example in zip(sides, self._examples(), strict=True):
                line = json.dumps(example.record) + "\n"
                opened[side].write(encoders[side].encode(line))
        return {name: str(target) for name, target in targets.items()}

    def _examples(self) -> Iterator[SplitExample]:
        return self._read(self.files, self._reading, self._max_documents)


def assign(
    documents: Iterable[tuple[Texts, Sequence[str]]], ratios: Mapping[str, float], seed: int
) -> list[str]:
    """Chooses the split of each document.

    Documents with the same text (but for white space) have the same split. The distinct texts are
    put in a random order, then sorted by the rarest label of each, and every n-th one is held out
    (systematic sampling), so that each label gets its share to within one text. A text that alone
    has its label stays in "train".

        >>> assign([("a", "x"), ("b", "x"), ("a ", "x"), ("c", "x")], {"valid": 0.5}, seed=1)
        ['train', 'valid', 'train', 'train']

    Args:
        documents: text and labels of each.
        ratios: fraction of the distinct texts by split; the rest is "train".
        seed: of the order.
    """
    random = random_generator(seed, "split of labelled documents")
    group_of, strata = _by_rarest_label(documents, random)
    side = [TRAIN] * sum(map(len, strata))
    due = {split: float(random.random()) for split in ratios}
    for stratum in strata:
        if len(stratum) < 2:
            continue
        for group in stratum:
            for split, ratio in ratios.items():
                due[split] += ratio
            first = max(due, key=lambda split: due[split])
            if due[first] >= 1:
                due[first] -= 1
                side[group] = first
    return [side[group] for group in group_of]


def assign_folds(
    documents: Iterable[tuple[Texts, Sequence[str]]], count: int, seed: int
) -> list[int]:
    """Chooses the fold of each document.

    Documents with the same text (but for white space) have the same fold. The distinct texts are
    ordered as by `assign` and dealt out in turn, so that the folds differ by at most one text, in
    all and of each stratum.

        >>> assign_folds([("a", "x"), ("b", "x"), ("a ", "x"), ("c", "y")], 2, seed=1)
        [0, 1, 0, 0]

    Args:
        documents: text and labels of each.
        count: how many folds.
        seed: of the order.

    Returns:
        A number from 0 to `count - 1` for each document.
    """
    random = random_generator(seed, "folds of labelled documents")
    group_of, strata = _by_rarest_label(documents, random)
    fold_of = {group: place % count for place, group in enumerate(chain.from_iterable(strata))}
    return [fold_of[group] for group in group_of]


def _by_rarest_label(
    documents: Iterable[tuple[Texts, Sequence[str]]], random: np.random.Generator
) -> tuple[list[int], list[list[int]]]:
    """The group of each document, one for each distinct text; and the groups of each stratum.

    A stratum has the texts with the same rarest label, in a random order; the first one those
    without labels.
    """
    groups: dict[int, int] = {}
    group_of: list[int] = []
    labels_of: list[Sequence[str]] = []
    counts: Counter[str] = Counter()
    for text, labels in documents:
        group = groups.setdefault(text_key(text), len(groups))
        group_of.append(group)
        if group == len(labels_of):
            labels_of.append(labels)
            counts.update(labels)
    strata: dict[str | None, list[int]] = {}
    for group in random.permutation(len(labels_of)).tolist():
        rarest = min(labels_of[group], key=lambda label: (counts[label], label), default=None)
        strata.setdefault(rarest, []).append(group)
    return group_of, [
        strata[label] for label in sorted(strata, key=lambda each: (each is not None, each or ""))
    ]


def text_key(text: Texts) -> int:
    """A number that two texts share if they differ in white space only (or once in 2**64)."""
    parts = (text,) if isinstance(text, str) else text
    return hash(tuple(" ".join(part.split()) for part in parts))
