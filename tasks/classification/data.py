"""Labelled files as the data of a classification task."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from common.errors import OptionError
from data_util.labelled.batches import LabelledBatches
from data_util.labelled.corpus import LabelledCorpus
from models.registry import HEADS
from tasks.classification.batches import classification_batches
from tasks.classification.options import ClassificationOptions
from tasks.classification.records import (
    LabelledSplits,
    check_one_label,
    locate,
    multi_hot,
    read_splits,
)
from tasks.classification.tfidf_classifier import is_feasible
from tasks.data import DataSettings, Files, TaskData, TextEncoder

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClassificationData(TaskData):
    """The labelled texts, or pairs of texts, of a run.

    Attributes:
        corpora: by split.
    """

    corpora: dict[str, LabelledCorpus] = field(default_factory=dict)

    def targets(self, split: str) -> np.ndarray:
        """(examples, labels) bool: the true labels of a split."""
        return multi_hot(self.corpora[split], len(self.task.labels))


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
    read = read_splits(files, settings, options.label_field)
    if options.head is not None and HEADS[options.head].for_pairs and not read.pairs:
        raise OptionError(
            f"--head={options.head} is for pairs of texts, and the labelled files hold single ones."
        )
    if task_class.exclusive:
        check_one_label(files, read.corpora, options.label_field)
    task = task_class(
        read.labels,
        pairs=read.pairs,
        head=options.head,
        tfidf_classifier=options.tfidf_classifier
        and not read.pairs
        and is_feasible(len(read.vocabulary), len(read.labels)),
        threshold=options.threshold,
    )
    batches = _batches(read, settings)
    _warn_of_truncation(batches, task.unit, settings.sequence_length)
    return ClassificationData(
        task=task,
        text=TextEncoder(settings.tokenizer, read.vocabulary, settings.sequence_length),
        batches=batches,
        train_tokens=read.corpora["train"].ids,
        locate=lambda examples: locate(
            examples, files["train"], options.label_field, settings.max_examples
        ),
        corpora=read.corpora,
    )


def _batches(read: LabelledSplits, settings: DataSettings) -> dict[str, LabelledBatches]:
    return {
        split: classification_batches(
            corpus,
            len(read.labels),
            read.vocabulary,
            sequence_length=settings.sequence_length,
            batch_size=settings.batch_size,
            seed=settings.seed,
            shuffle=split == "train",
            stream=split,
        )
        for split, corpus in read.corpora.items()
    }


def _warn_of_truncation(
    batches: dict[str, LabelledBatches], unit: str, sequence_length: int
) -> None:
    truncated = [
        f"{each.num_truncated:,} of {len(each):,} in {split}"
        for split, each in batches.items()
        if each.num_truncated
    ]
    if truncated:
        logger.warning(
            "%s longer than --sequence_length=%d are truncated: %s",
            unit,
            sequence_length,
            ", ".join(truncated),
        )
