"""Labelled files as the data of a token classification task."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.batches import LabelledBatches
from data_util.labelled.text_groups import count_tokens
from data_util.reading.labels import LabelSet
from data_util.reading.sources import check_one_split
from data_util.tokens.vocabulary import Vocabulary
from tasks.data import DataSettings, Files, TaskData, TextEncoder
from tasks.token_classification.batches import TokenExamples, unit_tags
from tasks.token_classification.examples import check_examples as check_examples
from tasks.token_classification.examples import split_examples as split_examples
from tasks.token_classification.options import TokenClassificationOptions
from tasks.token_classification.passages import EncodedPassage, encode
from tasks.token_classification.records import TaggedText, read_splits

if TYPE_CHECKING:
    from tasks.token_classification.task import TokenClassification

logger = logging.getLogger(__name__)

_NAMED = 5


@dataclass(frozen=True)
class TokenData(TaskData):
    """The labelled texts of a run.

    Attributes:
        texts: by split.
        encoded: the texts as the model reads them, by split.
        tags: the tags of their units, (units,) int each, by split; see `unit_tags`.
        inexact: how many entities no tags express, by split.
    """

    texts: Mapping[str, Sequence[TaggedText]] = field(default_factory=dict)
    encoded: Mapping[str, Sequence[EncodedPassage]] = field(default_factory=dict)
    tags: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    inexact: Mapping[str, int] = field(default_factory=dict)


def prepare_data(
    task_class: type["TokenClassification"],
    files: Files,
    settings: DataSettings,
    options: TokenClassificationOptions,
) -> TokenData:
    """Reads the labelled files and makes the task that they describe: see `Task.prepare`.

    Raises:
        InputError, OptionError: the files or the options cannot be used.
    """
    if options.window_overlap > settings.sequence_length - 3:
        raise OptionError(
            f"--window_overlap={options.window_overlap}: at most --sequence_length - 3, which is "
            f"{settings.sequence_length - 3}."
        )
    for paths in files.values():
        check_one_split(paths)
    splits, kind = read_splits(
        files,
        settings.reading,
        file_tags=options.file_tags,
        nested=options.nested_entities,
        max_examples=settings.max_examples,
    )
    labels = _labels(splits, files)
    task = task_class(
        labels,
        scheme="plain" if kind == "plain" else options.model_tags,
        crf=options.crf,
        ngrams=options.ngrams,
        overlap=options.window_overlap,
        nested=options.nested_entities,
    )
    vocabulary = settings.vocabulary
    if vocabulary is None:
        texts = (each.passage.text for each in splits["train"])
        counts = count_tokens(texts, settings.tokenizer, settings.processes)
        vocabulary = Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)
    return token_data(task, splits, settings, vocabulary)


def evaluation_data(
    task: "TokenClassification", files: Sequence[str], settings: DataSettings
) -> TokenData:
    """Reads labelled files for a checkpoint's task: see `Task.labelled`.

    Labels that the task does not know count as missed, with a warning.

    Raises:
        InputError: the files cannot be used.
    """
    splits, _ = read_splits(
        {"test": files},
        settings.reading,
        file_tags="plain" if task.scheme == "plain" else "auto",
        nested=task.nested,
        max_examples=settings.max_examples,
    )
    counts = Counter(entity.label for each in splits["test"] for entity in each.entities)
    unknown = sorted(set(counts) - set(task.entity_labels))
    if unknown:
        logger.warning(
            "%d of the labels are unknown to the checkpoint (%s%s): they count as missed %s times",
            len(unknown),
            ", ".join(unknown[:_NAMED]),
            ", ..." if len(unknown) > _NAMED else "",
            f"{sum(counts[label] for label in unknown):,}",
        )
    assert settings.vocabulary is not None
    return token_data(task, splits, settings, settings.vocabulary)


def token_data(
    task: "TokenClassification",
    splits: Mapping[str, Sequence[TaggedText]],
    settings: DataSettings,
    vocabulary: Vocabulary,
) -> TokenData:
    """Encodes labelled texts and makes batches of them."""
    text = TextEncoder(settings.tokenizer, vocabulary, settings.sequence_length)
    encoded = {
        split: encode([each.passage for each in texts], text, task.overlap)
        for split, texts in splits.items()
    }
    tags: dict[str, list[np.ndarray]] = {}
    inexact: dict[str, int] = {}
    batches: dict[str, LabelledBatches] = {}
    for split, texts in splits.items():
        placed = [
            unit_tags(one, each.entities, task.tags, task.scheme)
            for one, each in zip(encoded[split], texts, strict=True)
        ]
        tags[split] = [found for found, _ in placed]
        inexact[split] = sum(wrong for _, wrong in placed)
        examples = TokenExamples(
            encoded[split], tags[split], settings.sequence_length, len(task.tags)
        )
        batches[split] = settings.batches(split, examples, vocabulary)
    train = splits.get("train", ())
    ids = [each.ids for each in encoded.get("train", ())]
    remarks = _remarks(splits, encoded, inexact, text)
    for remark in remarks:
        logger.warning("%s", remark)
    return TokenData(
        task=task,
        text=text,
        batches=batches,
        train_tokens=np.concatenate([*ids, np.zeros(0, np.int32)]),
        locate=lambda numbers: [
            f"{train[number].path}:{train[number].line}" for number in sorted(numbers.tolist())
        ],
        remarks=remarks,
        texts=splits,
        encoded=encoded,
        tags=tags,
        inexact=inexact,
    )


def _labels(splits: Mapping[str, Sequence[TaggedText]], files: Files) -> LabelSet:
    """Those of the training texts by descending frequency, then those of other splits alone."""
    counts = {
        split: Counter(entity.label for each in texts for entity in each.entities)
        for split, texts in splits.items()
    }
    if not counts["train"]:
        raise InputError("no training text has an entity", files["train"][0])
    labels = LabelSet.from_counts(counts["train"]).labels
    others = [sorted(each.keys() - set(labels)) for each in counts.values()]
    return LabelSet(tuple(dict.fromkeys((*labels, *chain.from_iterable(others)))))


def _remarks(
    splits: Mapping[str, Sequence[TaggedText]],
    encoded: Mapping[str, Sequence[EncodedPassage]],
    inexact: Mapping[str, int],
    text: TextEncoder,
) -> list[str]:
    """What is suspicious in the data, a sentence each."""
    remarks = []
    for split, texts in splits.items():
        entities = sum(len(each.entities) for each in texts)
        dropped = sum(len(each.dropped) for each in texts)
        if dropped:
            remarks.append(
                f"{split}: {dropped:,} of {entities + dropped:,} entities are within others, or "
                "overlap one, and are left out."
            )
        if inexact[split]:
            remarks.append(
                f"{split}: {inexact[split]:,} of {entities:,} entities begin or end within a token "
                "of the model and cannot be found exactly; with --tokenize_style=char, which is "
                "chosen in pre-training, every character is a token."
            )
        if split != "train" and "train" in splits:
            seen = {each.passage.text for each in splits["train"]}
            twice = sum(each.passage.text in seen for each in texts)
            if twice:
                remarks.append(f"{split}: {twice:,} of {len(texts):,} texts are in train, too.")
    several = sum(len(each.windows) > 1 for each in encoded.get("train", ()))
    if several:
        logger.info(
            "%s training texts are longer than %d tokens and are read in windows",
            f"{several:,}",
            text.sequence_length,
        )
    return remarks
