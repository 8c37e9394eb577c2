"""Reads labelled examples: texts, or pairs of texts, with their labels.

`data_util.reading.records` lists the formats.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.build_corpus import (
    build_vocabulary,
    holds_pairs,
    prepare_labelled_data,
)
from data_util.labelled.checked_examples import checked_document
from data_util.labelled.corpus import LabelledCorpus
from data_util.labelled.troubles import Trouble, TroubleFinder
from data_util.reading.documents import locate_documents, read_documents
from data_util.reading.labels import LabelSet
from data_util.reading.settings import Reading
from data_util.reading.sources import check_one_split
from data_util.reading.text_pairs import Text
from data_util.tokens.vocabulary import Vocabulary
from tasks.data import DataSettings, Files

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledSplits:
    """The labelled examples of all splits.

    Attributes:
        vocabulary: the given one, or one made from the training examples.
        labels: those of the training examples by descending frequency, then those that only other
            splits have.
        pairs: whether the examples are pairs of texts.
        corpora: by split.
        troubles: what is suspicious in the documents.
    """

    vocabulary: Vocabulary
    labels: LabelSet
    pairs: bool
    corpora: dict[str, LabelledCorpus]
    troubles: tuple[Trouble, ...] = ()


def read_splits(files: Files, settings: DataSettings) -> LabelledSplits:
    """Reads and tokenizes the labelled files, through the cache.

    Args:
        files: by split.
        settings: how to read them.

    Raises:
        InputError, OptionError: the files cannot be used; the message names the file and the line,
            or the option.
    """
    for paths in files.values():
        check_one_split(paths)
    pairs = holds_pairs([path for paths in files.values() for path in paths], settings.reading)
    _say_pairs(files, pairs, settings.reading)
    reading = settings.reading.replace(pairs=pairs)
    if pairs and settings.sequence_length < 5:
        raise OptionError(
            f"--sequence_length={settings.sequence_length}: two texts, [CLS] and two [SEP] need 5."
        )
    labels, troubles = _label_set(files, reading, settings.max_examples)
    vocabulary = settings.vocabulary or build_vocabulary(
        files["train"],
        settings.tokenizer,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        reading=reading,
        max_documents=settings.max_examples,
        processes=settings.processes,
    )
    corpora = {
        split: prepare_labelled_data(
            paths,
            settings.tokenizer,
            vocabulary,
            labels,
            reading=reading,
            cache_folder=settings.cache_folder,
            processes=settings.processes,
            max_documents=settings.max_examples,
            test_mode=settings.test_mode,
        )
        for split, paths in files.items()
    }
    return LabelledSplits(vocabulary, labels, pairs, corpora, troubles)


def training_texts(files: Files, reading: Reading) -> Iterator[Text]:
    """The training texts, or pairs of texts, in their order, read while they are asked for."""
    # Whether each needs a label is not asked here.
    reading = reading.replace(keep_unlabelled=True)
    read = read_documents(files["train"], labelled=True, reading=reading)
    return (document.texts for document in read)


def multi_hot(corpus: LabelledCorpus, num_labels: int) -> np.ndarray:
    """The labels of every example of a corpus, in its order: (examples, labels) bool."""
    targets = np.zeros((len(corpus), num_labels), dtype=bool)
    examples = np.repeat(np.arange(len(corpus)), np.diff(corpus.label_offsets))
    targets[examples, corpus.label_ids] = True
    return targets


def check_one_label(files: Files, corpora: dict[str, LabelledCorpus], reading: Reading) -> None:
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
                *_file_and_line(paths, reading, int(wrong[0])),
            )


def locate(
    examples: np.ndarray, paths: Sequence[str], reading: Reading, max_examples: int | None
) -> list[str]:
    """The locations of examples ("file:line"), by their indices."""
    return locate_documents(
        examples, paths, labelled=True, reading=reading, max_documents=max_examples
    )


def _say_pairs(files: Files, pairs: bool, reading: Reading) -> None:
    """A tab makes pairs of lines that may be single texts: whoever did not ask for them is told."""
    if pairs and reading.pairs is None:
        logger.info(
            "the examples are pairs of texts, because the first one of %s is; if a tab in it is "
            "part of a single text, use --pairs=false",
            files["train"][0],
        )


def _label_set(
    files: Files, reading: Reading, max_examples: int | None
) -> tuple[LabelSet, tuple[Trouble, ...]]:
    """Reads all documents once: their labels, and what is suspicious in them."""
    finder = TroubleFinder()
    for split, paths in files.items():
        for document in read_documents(
            paths, labelled=True, reading=reading, max_documents=max_examples
        ):
            finder.add(split, checked_document(document), document.path)
    counts = finder.counts
    if not counts["train"]:
        raise InputError(
            "no document of the training files has a label: is this free text, or are the labels "
            "elsewhere? The form is `text __label__A __label__B`",
            files["train"][0],
        )
    troubles = tuple(finder.troubles())
    for trouble in troubles:
        # That there are documents without labels was said, and with what becomes of them.
        if trouble.kind != "no_labels":
            logger.warning("%s", trouble.message)
    if reading.keep_unlabelled and finder.one_label_each:
        logger.info(
            "each document has exactly one label: --task=multi_class learns to choose one of them, "
            "where --task=multi_label decides about each for itself"
        )
    labels = LabelSet.from_counts(counts["train"])
    unseen = [sorted(counts[split].keys() - set(labels.labels)) for split in files]
    return LabelSet(tuple(dict.fromkeys((*labels.labels, *chain.from_iterable(unseen))))), troubles


def _file_and_line(
    paths: Sequence[str], reading: Reading, index: int
) -> tuple[str | None, int | None]:
    for number, document in enumerate(read_documents(paths, labelled=True, reading=reading)):
        if number == index:
            return document.path, document.line
    return None, None
