"""From labelled files to the batches of a classification task."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from common.errors import OptionError
from data_util.labelled.corpus import LabelledCorpus
from models.registry import HEADS
from tasks.classification import records, tfidf_classifier
from tasks.classification.batches import classification_batches
from tasks.classification.options import ClassificationOptions
from tasks.data import DataSettings, Files, TaskData, TextEncoder

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClassificationData(TaskData):
    """The labelled texts of a run.

    Attributes:
        corpora: by split.
        label_field: which labels of CAIL2018 records were read.
    """

    corpora: dict[str, LabelledCorpus] = field(default_factory=dict)

    def targets(self, split: str) -> np.ndarray:
        """(examples, labels) bool: the true labels of a split."""
        return records.multi_hot(self.corpora[split], len(self.task.labels))


def prepare_data(
    task_class: type["Classification"],
    files: Files,
    settings: DataSettings,
    options: ClassificationOptions,
) -> ClassificationData:
    """See `Task.prepare`."""
    read = records.read_splits(files, settings, options.label_field)
    if options.head is not None and HEADS[options.head].for_pairs and not read.pairs:
        raise OptionError(
            f"--head={options.head} is for pairs of texts, and the labelled files hold single ones."
        )
    if task_class.exclusive:
        records.check_one_label(files, read.corpora, options.label_field)
    task = task_class(
        read.labels,
        pairs=read.pairs,
        head=options.head,
        tfidf_classifier=options.tfidf_classifier
        and not read.pairs
        and tfidf_classifier.is_feasible(len(read.vocabulary), len(read.labels)),
        threshold=options.threshold,
    )
    batches = {
        split: classification_batches(
            corpus,
            len(read.labels),
            read.vocabulary,
            sequence_length=settings.sequence_length,
            batch_size=settings.batch_size,
            seed=settings.seed,
            split=split,
        )
        for split, corpus in read.corpora.items()
    }
    truncated = {split: each.num_truncated for split, each in batches.items()}
    if any(truncated.values()):
        logger.warning(
            "%s longer than --sequence_length=%d are truncated: %s",
            task.unit,
            settings.sequence_length,
            ", ".join(
                f"{number:,} of {len(batches[split]):,} in {split}"
                for split, number in truncated.items()
                if number
            ),
        )
    text = TextEncoder(settings.tokenizer, read.vocabulary, settings.sequence_length)
    return ClassificationData(
        task=task,
        text=text,
        batches=batches,
        train_tokens=read.corpora["train"].ids,
        locate=lambda examples: records.locate(
            examples, files["train"], options.label_field, settings.max_examples
        ),
        corpora=read.corpora,
    )
