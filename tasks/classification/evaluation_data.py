"""Labelled files as the data on which a fine-tuned classifier is measured."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError
from data_util.labelled.build_corpus import count_labels, holds_pairs, prepare_labelled_data
from data_util.reading.documents import read_documents
from data_util.reading.labels import LabelSet
from tasks.classification.batches import classification_batches
from tasks.classification.data import ClassificationData
from tasks.classification.ngram_features import read_tokens, stacked
from tasks.classification.records import check_one_label
from tasks.data import DataSettings, TextEncoder

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

logger = logging.getLogger(__name__)

_LABELS_NAMED = 5


def evaluation_data(
    task: "Classification",
    files: Sequence[str],
    settings: DataSettings,
) -> ClassificationData:
    """Reads labelled files for a checkpoint's task: see `Task.labelled`.

    Labels that the task does not know are kept as `unknown_labels`, with a warning.

    Raises:
        InputError: the files cannot be used, or hold pairs where the task reads single texts, or
            the other way round.
    """
    reading = settings.reading.replace(keep_unlabelled=not task.exclusive)
    if holds_pairs(files, reading) != task.pairs:
        kinds = ("pairs of texts", "single texts")
        found, wanted = kinds if not task.pairs else kinds[::-1]
        raise InputError(f"this file holds {found}, and the checkpoint is for {wanted}", files[0])
    reading = reading.replace(pairs=task.pairs)
    settings = replace(settings, reading=reading)
    counts = count_labels(files, reading, settings.max_examples)
    if not counts:
        raise InputError(
            "no document has a label: is this free text, or are the labels elsewhere? See "
            "--label_field",
            files[0],
        )
    unknown = tuple(sorted(set(counts) - set(task.labels)))
    if unknown:
        logger.warning(
            "%d of the labels are unknown to the checkpoint (%s%s): they count as missed %s times",
            len(unknown),
            ", ".join(unknown[:_LABELS_NAMED]),
            ", ..." if len(unknown) > _LABELS_NAMED else "",
            f"{sum(counts[label] for label in unknown):,}",
        )
    assert settings.vocabulary is not None
    corpus = prepare_labelled_data(
        files,
        settings.tokenizer,
        settings.vocabulary,
        LabelSet((*task.labels, *unknown)),
        reading=reading,
        cache_folder=settings.cache_folder,
        processes=settings.processes,
        max_documents=settings.max_examples,
        test_mode=settings.test_mode,
    )
    if task.exclusive:
        check_one_label({"test": files}, {"test": corpus}, reading)
    features = None
    if task.ngrams is not None:
        features = stacked(task.ngrams, read_tokens(files, settings))
    batches = classification_batches(
        corpus,
        len(task.labels) + len(unknown),
        settings.vocabulary,
        features=features,
        sequence_length=settings.sequence_length,
        batch_size=settings.batch_size,
        seed=settings.seed,
        shuffle=False,
        stream="test",
    )
    return ClassificationData(
        task=task,
        text=TextEncoder(settings.tokenizer, settings.vocabulary, settings.sequence_length),
        batches={"test": batches},
        train_tokens=np.zeros(0, np.int32),
        locate=lambda examples: [],
        corpora={"test": corpus},
        ngrams=None if features is None else {"test": features},
        table=task.ngrams,
        unknown_labels=unknown,
        documents=lambda split: read_documents(
            files, labelled=True, reading=reading, max_documents=settings.max_examples
        ),
    )
