"""Labelled files as the data of a classification task."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import OptionError
from common.progress import Progress
from data_util.labelled.batches import LabelledBatches
from data_util.labelled.corpus import LabelledCorpus
from data_util.reading.documents import Document, read_documents
from data_util.tokens.pair_table import FeatureTable
from data_util.tokens.sparse_rows import SparseRows
from models.registry import HEADS
from tasks.classification.batches import classification_batches
from tasks.classification.class_weights import balanced_weights
from tasks.classification.ngram_features import (
    Tokens,
    build_table,
    is_feasible,
    read_tokens,
    select,
    stacked,
    tokens_of,
)
from tasks.classification.options import ClassificationOptions
from tasks.classification.records import (
    LabelledSplits,
    check_one_label,
    locate,
    multi_hot,
    read_splits,
)
from tasks.classification.soft_labels import SoftLabels, soft_labels, unlabelled_corpus
from tasks.classification.threshold_file import read_thresholds
from tasks.classification.weighted_texts import WeightedText, weighted_corpus, weighted_texts
from tasks.data import DataSettings, Files, TaskData, TextEncoder

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClassificationData(TaskData):
    """The labelled texts, or pairs of texts, of a run.

    Text without labels, which is learned from teachers, is in the training batches alone.

    Attributes:
        corpora: by split, and "weighted": texts with likely labels, if there are any.
        weights: (texts,) float, of "weighted".
        train_weights: (examples,) float, of "train", with `--class_weights`; otherwise None.
        ngrams: the features of the linear classifier for the texts of `corpora`, or None.
        table: what these features are.
        unknown_labels: further true labels of the test examples, which the task does not know.
        documents: reads the examples of a split again.
    """

    corpora: dict[str, LabelledCorpus] = field(default_factory=dict)
    weights: np.ndarray | None = None
    train_weights: np.ndarray | None = None
    ngrams: Mapping[str, SparseRows] | None = None
    table: FeatureTable | None = None
    unknown_labels: tuple[str, ...] = ()
    documents: Callable[[str], Iterator[Document]] = lambda split: iter(())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of `targets`: the task's, then unknown ones."""
        return (*self.task.labels, *self.unknown_labels)

    def targets(self, split: str) -> np.ndarray:
        """(examples, labels) bool: the true labels of a split."""
        return multi_hot(self.corpora[split], len(self.labels))

    def label_counts(self) -> np.ndarray:
        """(labels,) float: how many training texts have each label; weighted ones count less."""
        counts = self.targets("train").sum(axis=0).astype(np.float64)
        if self.weights is not None:
            counts += self.weights @ self.targets("weighted")
        return counts


def prepare_data(
    task_class: type["Classification"],
    files: Files,
    settings: DataSettings,
    options: ClassificationOptions,
) -> ClassificationData:
    """Reads the labelled files and makes the task that they describe: see `Task.prepare`.

    Args:
        task_class: the class of the task.
        files, settings, options: as in `Task.prepare`.

    Raises:
        InputError, OptionError: the files or the options cannot be used.
    """
    # A text that has none of several labels is an example of that; one of many labels it must have.
    reading = settings.reading.replace(keep_unlabelled=not task_class.exclusive)
    settings = replace(settings, reading=reading)
    read = read_splits(files, settings)
    reading = reading.replace(pairs=read.pairs)
    settings = replace(settings, reading=reading)
    if options.head is not None and HEADS[options.head].for_pairs and not read.pairs:
        raise OptionError(
            f"--head={options.head} is for pairs of texts, and the labelled files hold single ones."
        )
    task_class.check_at_least_one(options.at_least_one)
    if task_class.exclusive:
        check_one_label(files, read.corpora, reading)
    if read.pairs and (options.mention_source_file or options.label_descriptions_file):
        raise OptionError(
            "--mention_source_file and --label_descriptions_file are for single texts, and the "
            "labelled files hold pairs."
        )
    weighted = weighted_texts(
        read.labels,
        options,
        exclusive=task_class.exclusive,
        max_documents=settings.max_examples,
        reading=settings.reading,
    )
    corpora, weights = dict(read.corpora), None
    if weighted:
        corpora["weighted"] = weighted_corpus(weighted, read, settings)
        weights = np.array([text.weight for text in weighted])
    ngrams: dict[str, SparseRows] | None = None
    table: FeatureTable | None = None
    if options.tfidf_classifier and is_feasible(len(read.labels)):
        table, ngrams = _ngrams(files, read, weighted, settings)
        if not len(table):
            table, ngrams = None, None
    task = task_class(
        read.labels,
        pairs=read.pairs,
        head=options.head,
        ngrams=table,
        threshold=_given_thresholds(options, read),
        at_least_one=_at_least_one(options.at_least_one, read.corpora["train"]),
        score=options.score,
    )
    train_weights = None
    if options.class_weights == "balanced":
        train_weights = balanced_weights(multi_hot(read.corpora["train"], len(read.labels)))
    # The order of the further examples is that of `SoftLabels.arrays`.
    further, unlabelled = [], unlabelled_corpus(options, settings, read.vocabulary)
    if unlabelled is not None:
        further.append((unlabelled, np.ones(len(unlabelled))))
    if weights is not None:
        further.append((corpora["weighted"], weights))
    soft = soft_labels(task, files["train"], options, settings)
    batches = _batches(corpora, further, train_weights, soft, ngrams, read, settings)
    _warn_of_truncation(batches, task.unit, settings.sequence_length, options.windows)
    return ClassificationData(
        task=task,
        text=TextEncoder(settings.tokenizer, read.vocabulary, settings.sequence_length),
        batches=batches,
        train_tokens=read.corpora["train"].ids,
        locate=lambda examples: locate(
            examples[examples < len(read.corpora["train"])],
            files["train"],
            reading,
            settings.max_examples,
        ),
        corpora=corpora,
        weights=weights,
        train_weights=train_weights,
        ngrams=ngrams,
        table=table,
        documents=lambda split: read_documents(
            files[split], labelled=True, reading=reading, max_documents=settings.max_examples
        ),
        weighted=sum(len(corpus) for corpus, _ in further),
        remarks=tuple(trouble.message for trouble in read.troubles),
    )


def _given_thresholds(options: ClassificationOptions, read: LabelledSplits) -> np.ndarray:
    """(labels,) float: those of the file, then `--threshold`; NaN where validation chooses."""
    given = read_thresholds(options.threshold_file, read.labels.labels)
    return np.where(
        np.isnan(given), np.nan if options.threshold is None else options.threshold, given
    )


def _at_least_one(option: bool | None, train: LabelledCorpus) -> bool:
    """Whether each result has a label: as the option says, or as in the training examples."""
    if option is not None:
        return option
    without = int((np.diff(train.label_offsets) == 0).sum())
    if without:
        logger.info(
            "%s of %s training examples have no label: results may be empty, too "
            "(--at_least_one=true: the nearest label is predicted)",
            f"{without:,}",
            f"{len(train):,}",
        )
    return not without


def _ngrams(
    files: Files,
    read: LabelledSplits,
    weighted: Sequence[WeightedText],
    settings: DataSettings,
) -> tuple[FeatureTable, dict[str, SparseRows]]:
    """What the linear classifier reads of texts like the training texts, and of all texts."""
    began, num_labels = time.monotonic(), len(read.labels)
    tokens = {split: partial(read_tokens, paths, settings) for split, paths in files.items()}
    if weighted:
        tokens["weighted"] = partial(tokens_of, [text.text for text in weighted], settings)
    train = len(read.corpora["train"])
    # The table of pairs is made in two passes.
    total = train * (2 if read.pairs else 1) + sum(map(len, read.corpora.values())) + len(weighted)
    with Progress("counting the features of the TF-IDF classifier", total) as progress:

        def counted(make: Callable[[], Iterable[Tokens]]) -> Iterator[Tokens]:
            for text in make():
                yield text
                progress.advance()

        table = build_table(
            partial(counted, tokens["train"]),
            train,
            num_labels,
            pairs=read.pairs,
            segmented=settings.tokenizer.style == "char",
        )
        features = {split: stacked(table, counted(make)) for split, make in tokens.items()}
    table, features = select(table, features, multi_hot(read.corpora["train"], num_labels))
    logger.info(
        "%s features of the TF-IDF classifier counted in %.0f s",
        f"{len(table):,}",
        time.monotonic() - began,
    )
    return table, features


def _batches(
    corpora: Mapping[str, LabelledCorpus],
    further: Sequence[tuple[LabelledCorpus, np.ndarray]],
    train_weights: np.ndarray | None,
    soft: SoftLabels | None,
    ngrams: Mapping[str, SparseRows] | None,
    read: LabelledSplits,
    settings: DataSettings,
) -> dict[str, LabelledBatches]:
    made = {}
    for split in read.corpora:
        # Training does not use the linear classifier, and has all else for itself.
        inputs: dict[str, Any] = {"features": None if ngrams is None else ngrams[split]}
        if split == "train":
            inputs = {"further": further, "weights": train_weights, "soft": soft}
        made[split] = classification_batches(
            corpora[split],
            len(read.labels),
            read.vocabulary,
            **inputs,
            sequence_length=settings.sequence_length,
            batch_size=settings.batch_size,
            seed=settings.seed,
            shuffle=split == "train",
            stream=split,
        )
    return made


def _warn_of_truncation(
    batches: dict[str, LabelledBatches], unit: str, sequence_length: int, windows: int
) -> None:
    truncated = [
        f"{each.num_truncated:,} of {len(each):,} in {split}"
        for split, each in batches.items()
        if each.num_truncated
    ]
    if truncated:
        limit = f"--sequence_length={sequence_length}"
        if windows > 1:
            limit = f"--windows={windows} (in all {sequence_length:,} tokens)"
        logger.warning("%s longer than %s are truncated: %s", unit, limit, ", ".join(truncated))
