"""Texts whose labels nobody has given: raw texts that name labels, and descriptions of labels."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.corpus import LabelledCorpus
from data_util.reading.documents import Document, read_documents
from data_util.reading.encodings import recoded
from data_util.reading.labels import LabelSet
from data_util.reading.mentions import LabelMentions
from data_util.reading.raw_lines import raw_lines
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import check_paths
from tasks.classification.options import ClassificationOptions
from tasks.classification.records import LabelledSplits
from tasks.data import DataSettings, TextEncoder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightedText:
    """A text with labels that are likely.

    Attributes:
        text: the text, with the names of labels hidden.
        labels: ids of labels.
        weight: how much it counts, where a labelled text counts 1.
    """

    text: str
    labels: tuple[int, ...]
    weight: float


def weighted_texts(
    labels: LabelSet,
    options: ClassificationOptions,
    *,
    exclusive: bool,
    max_documents: int | None = None,
    reading: Reading = DEFAULT_READING,
) -> list[WeightedText]:
    """Reads the texts that the options name.

    Args:
        labels: of the task; those that only these texts have are left out.
        options: of the task.
        exclusive: whether an example has exactly one label; texts that name several are left out.
        max_documents: the most documents of raw text to read; None: all.
        reading: how to read the files.

    Raises:
        InputError: a file cannot be used.
        OptionError: an option lacks another one.
    """
    for option in ("label_names_file", "label_pattern_file"):
        if getattr(options, option) and not options.mention_source_file:
            raise OptionError(
                f"--{option} is used with raw text that names labels: name it with "
                "--mention_source_file, or leave this out."
            )
    found = []
    if options.mention_source_file:
        documents = read_documents(
            options.mention_source_file,
            labelled=False,
            reading=reading,
            max_documents=max_documents,
        )
        found += _mentions(documents, labels, options, exclusive=exclusive)
    for path in options.label_descriptions_file:
        found += _descriptions(path, labels, options.description_weight, reading.encoding)
    return found


def _mentions(
    documents: Iterable[Document],
    labels: LabelSet,
    options: ClassificationOptions,
    *,
    exclusive: bool,
) -> list[WeightedText]:
    pattern_file = options.label_pattern_file or None
    if options.label_names_file:
        mentions = LabelMentions.read(options.label_names_file, pattern_file)
    else:
        mentions = LabelMentions.of_labels(labels.labels, pattern_file)
    known = set(labels.labels)
    texts, number = [], 0
    for document in documents:
        number += 1
        text, named = mentions.find(document.text)
        ids = labels.ids([label for label in named if label in known])
        if ids and not (exclusive and len(ids) > 1):
            texts.append(WeightedText(text, tuple(ids), options.mention_weight))
    logger.info(
        "%s of %s raw documents name labels; each counts as %g of a labelled one",
        f"{len(texts):,}",
        f"{number:,}",
        options.mention_weight,
    )
    return texts


def _descriptions(path: str, labels: LabelSet, weight: float, encoding: str) -> list[WeightedText]:
    """Reads `label<TAB>text` lines; the name of the label is hidden in the text."""
    known, texts, unknown = set(labels.labels), [], 0
    (checked,) = check_paths([path])
    with open(checked, "rb") as stream:
        for raw in raw_lines(recoded(stream, encoding)):
            line = raw.decode(str(path)).strip()
            if not line:
                continue
            label, tab, text = line.partition("\t")
            if not tab or not text.strip():
                raise InputError("expected `label<TAB>text`", path, raw.number)
            if label not in known:
                unknown += 1
                continue
            hidden, _ = LabelMentions.of_labels([label]).find(text.strip())
            texts.append(WeightedText(hidden, tuple(labels.ids([label])), weight))
    logger.info(
        "%s: %d descriptions of labels, each counts as %g of a labelled document%s",
        path,
        len(texts),
        weight,
        f"; {unknown} of labels that no document has are left out" if unknown else "",
    )
    return texts


def weighted_corpus(
    texts: Sequence[WeightedText], read: LabelledSplits, settings: DataSettings
) -> LabelledCorpus:
    """Tokenizes the texts."""
    encoder = TextEncoder(settings.tokenizer, read.vocabulary, settings.sequence_length)
    ids = encoder.encode([text.text for text in texts])
    return LabelledCorpus(
        ids=np.concatenate(ids),
        offsets=np.cumsum([0, *map(len, ids)]),
        label_ids=np.concatenate([np.array(text.labels, np.int32) for text in texts]),
        label_offsets=np.cumsum([0, *(len(text.labels) for text in texts)]),
    )
