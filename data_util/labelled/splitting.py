"""Splits labelled files at random: by seed, stratified by label, each text on one side only."""

import codecs
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.files import digests
from common.random_streams import random_generator
from common.whole_files import whole_file
from data_util.cache.reading import fingerprint
from data_util.labelled.build_corpus import holds_pairs
from data_util.reading.documents import Document, read_documents
from data_util.reading.fields import LABEL_FIELDS, PAIR_FIELDS, TEXT_FIELDS
from data_util.reading.records import described
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import data_files
from data_util.reading.text_pairs import Text

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

    Returns:
        The file of each split, "train" first.

    Raises:
        InputError: the files cannot be read, or have too few documents.
    """
    files = data_files(paths)
    reading = reading.replace(keep_unlabelled=True)
    reading = reading.replace(pairs=holds_pairs(files, reading))
    names = (TRAIN, *ratios)

    def documents() -> Iterator[Document]:
        return read_documents(files, labelled=True, reading=reading, max_documents=max_documents)

    sides = assign(((document.texts, document.labels) for document in documents()), ratios, seed)
    counts = Counter(sides)
    for split in names:
        if not counts[split]:
            raise InputError(
                f"too few different texts to hold some out for {split}: name files of their own "
                f"with --valid_data_file and --test_data_file",
                files[0],
            )
    description = {
        "kind": "split",
        "sources": digests(files),
        "reading": described(files, reading),
        "ratios": dict(ratios),
        "seed": seed,
        "max_documents": max_documents,
    }
    key = fingerprint(description)[:16]
    folder.mkdir(parents=True, exist_ok=True)
    targets = {split: folder / f"split-{key}-{split}.jsonl" for split in names}
    with ExitStack() as stack:
        opened = {
            split: stack.enter_context(whole_file(target)) for split, target in targets.items()
        }
        # One encoder a file, because UTF-16 has a mark at the start of a file alone.
        encoders = {split: codecs.getincrementalencoder(reading.encoding)() for split in names}
        for side, document in zip(sides, documents(), strict=True):
            line = json.dumps(_record(document, reading)) + "\n"
            opened[side].write(encoders[side].encode(line))
    for split in ratios:
        logger.info(
            "%s: %s of %s documents are held out, by seed %d and stratified by label (%s)",
            split,
            f"{counts[split]:,}",
            f"{len(sides):,}",
            seed,
            targets[split],
        )
    return {split: str(target) for split, target in targets.items()}


def assign(
    documents: Iterable[tuple[Text, Sequence[str]]], ratios: Mapping[str, float], seed: int
) -> list[str]:
    """Chooses the split of each document.

    Documents with the same text (but for white space) have the same split. The distinct texts are
    put in a random order, then sorted by the rarest label of each, and every n-th one is held out
    (systematic sampling), so that each label gets its share to within one text. A text that alone
    has its label stays in "train".

        >>> assign([("a", "x"), ("b", "x"), ("a ", "x"), ("c", "x")], {"valid": 0.5}, seed=1)
        ['valid', 'train', 'valid', 'train']

    Args:
        documents: text and labels of each.
        ratios: fraction of the distinct texts by split; the rest is "train".
        seed: of the order.
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
    random = random_generator(seed, "split of labelled documents")
    strata: dict[str | None, list[int]] = {}
    for group in random.permutation(len(labels_of)).tolist():
        rarest = min(labels_of[group], key=lambda label: (counts[label], label), default=None)
        strata.setdefault(rarest, []).append(group)
    side = [TRAIN] * len(labels_of)
    due = {split: float(random.random()) for split in ratios}
    for label in sorted(strata, key=lambda label: (label is not None, label or "")):
        if len(strata[label]) < 2:
            continue
        for group in strata[label]:
            for split, ratio in ratios.items():
                due[split] += ratio
            first = max(due, key=lambda split: due[split])
            if due[first] >= 1:
                due[first] -= 1
                side[group] = first
    return [side[group] for group in group_of]


def text_key(text: Text) -> int:
    """A number that two texts share if they differ in white space only (or once in 2**64)."""
    parts = (text,) if isinstance(text, str) else text
    return hash(tuple(" ".join(part.split()) for part in parts))


def _record(document: Document, reading: Reading) -> dict[str, Any]:
    """A record that is read with the same settings as the file that it comes from."""
    texts = (document.text,) if document.text_b is None else (document.text, document.text_b)
    fields = reading.text_field or (PAIR_FIELDS[0] if len(texts) == 2 else TEXT_FIELDS[1:2])
    record: dict[str, Any] = dict(zip(fields, texts, strict=False))
    default = reading.label_field == DEFAULT_READING.label_field
    record[LABEL_FIELDS[1] if default else reading.label_field] = list(document.labels)
    record["source"] = f"{document.path}:{document.line}"
    if document.id is not None:
        record["id"] = document.id
    return record
