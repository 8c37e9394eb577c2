"""Reads labelled examples: texts, or pairs of texts, with their labels.

`data_util.reading.line_format` parses the formats: `text __label__A __label__B` lines, pairs
`text_a<TAB>text_b __label__A`, CAIL2018 JSON lines, and JSON lines of pairs.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.build_corpus import (
    build_vocabulary,
    count_labels,
    holds_pairs,
    prepare_labelled_data,
)
from data_util.labelled.corpus import LabelledCorpus
from data_util.reading.documents import locate_documents, read_documents, read_texts
from data_util.reading.labels import LabelSet
from data_util.reading.text_pairs import Text
from data_util.tokens.vocabulary import Vocabulary
from tasks.classification.options import ClassificationOptions
from tasks.data import DataSettings, Files

logger = logging.getLogger(__name__)

_LABELS_NAMED = 5


@dataclass(frozen=True)
class LabelledSplits:
    """The labelled examples of all splits.

    Attributes:
        vocabulary: the given one, or one made from the training examples.
        labels: those of the training examples by descending frequency, then those that only other
            splits have.
        pairs: whether the examples are pairs of texts.
        corpora: by split.
    """

    vocabulary: Vocabulary
    labels: LabelSet
    pairs: bool
    corpora: dict[str, LabelledCorpus]


def read_splits(files: Files, settings: DataSettings, label_field: str) -> LabelledSplits:
    """Reads and tokenizes the labelled files, through the cache.

    Args:
        files: by split.
        settings: how to read them.
        label_field: which labels of CAIL2018 records.

    Raises:
        InputError, OptionError: the files cannot be used; the message names the file and the line,
            or the option.
    """
    pairs = holds_pairs([path for paths in files.values() for path in paths], label_field)
    if pairs and settings.sequence_length < 5:
        raise OptionError(
            f"--sequence_length={settings.sequence_length}: two texts, [CLS] and two [SEP] need 5."
        )
    labels = _label_set(files, label_field, settings.max_examples)
    vocabulary = settings.vocabulary or build_vocabulary(
        files["train"],
        settings.tokenizer,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        label_field=label_field,
        max_documents=settings.max_examples,
        processes=settings.processes,
    )
    corpora = {
        split: prepare_labelled_data(
            paths,
            settings.tokenizer,
            vocabulary,
            labels,
            label_field=label_field,
            cache_folder=settings.cache_folder,
            processes=settings.processes,
            max_documents=settings.max_examples,
            test_mode=settings.test_mode,
        )
        for split, paths in files.items()
    }
    return LabelledSplits(vocabulary, labels, pairs, corpora)


def training_texts(files: Files, options: ClassificationOptions) -> Iterator[Text]:
    """The training texts, or pairs of texts, in their order, read while they are asked for."""
    read = read_documents(files["train"], labelled=True, label_field=options.label_field)
    return (document.texts for document in read)


def multi_hot(corpus: LabelledCorpus, num_labels: int) -> np.ndarray:
    """The labels of every example of a corpus, in its order: (examples, labels) bool."""
    targets = np.zeros((len(corpus), num_labels), dtype=bool)
    examples = np.repeat(np.arange(len(corpus)), np.diff(corpus.label_offsets))
    targets[examples, corpus.label_ids] = True
    return targets


def check_one_label(files: Files, corpora: dict[str, LabelledCorpus], label_field: str) -> None:
    """Checks that each example has exactly one label.

    Raises:
        InputError: naming the first example that has several, or none.
    """
    for split, paths in files.items():
        numbers = np.diff(corpora[split].label_offsets)
        wrong = np.flatnonzero(numbers != 1)
        if len(wrong):
            has = "several" if numbers[wrong[0]] else "none"
            raise InputError(
                f"--task=multi_class requires exactly one label per example; this one has {has}. "
                "Use --task=multi_label.",
                *_file_and_line(paths, label_field, int(wrong[0])),
            )


def locate(
    examples: np.ndarray, paths: Sequence[str], label_field: str, max_examples: int | None
) -> list[str]:
    """The locations of examples ("file:line"), by their indices."""
    return locate_documents(
        examples, paths, labelled=True, label_field=label_field, max_documents=max_examples
    )


def read_lines(stream: BinaryIO, name: str, *, pairs: bool) -> Iterator[tuple[int, Text | None]]:
    """The number and the text (or the pair) of each line; None for a line without text."""
    for document in read_texts(stream, name, pairs=pairs):
        yield document.line, document.texts if document.text else None


def _label_set(files: Files, label_field: str, max_examples: int | None) -> LabelSet:
    counts = {
        split: count_labels(paths, label_field, max_examples) for split, paths in files.items()
    }
    labels = LabelSet.from_counts(counts["train"])
    known = set(labels.labels)
    unseen: dict[str, None] = {}
    for split in [split for split in files if split != "train"]:
        new = sorted(label for label in counts[split] if label not in known)
        if new:
            examples = sum(counts[split][label] for label in new)
            logger.warning(
                "%s has %d labels that train does not have (%s%s): they are kept, and count as "
                "missed %d times",
                split,
                len(new),
                ", ".join(new[:_LABELS_NAMED]),
                ", ..." if len(new) > _LABELS_NAMED else "",
                examples,
            )
        unseen.update(dict.fromkeys(new))
    return LabelSet((*labels.labels, *unseen))


def _file_and_line(
    paths: Sequence[str], label_field: str, index: int
) -> tuple[str | None, int | None]:
    for number, document in enumerate(
        read_documents(paths, labelled=True, label_field=label_field)
    ):
        if number == index:
            return document.path, document.line
    return None, None
