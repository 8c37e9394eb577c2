"""Builds the corpus that fine-tuning reads from labelled documents, through the cache."""

import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from common.errors import InputError
from common.files import digests
from data_util.cache.reading import FORMAT_VERSION, fingerprint, open_cache, read_back
from data_util.cache.writing import RaggedWriter, cache_path
from data_util.labelled.corpus import LabelledCorpus
from data_util.reading.documents import Document, read_documents
from data_util.reading.labels import LabelSet
from data_util.reading.records import described
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import check_unchanged, data_files
from data_util.reading.text_pairs import Text, check_kind
from data_util.tokens.tokenize_corpus import (
    TokenCounts,
    process_count,
    tokenize_texts,
    with_progress,
)
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

Paths = Sequence[str | os.PathLike[str]]


def count_labels(
    paths: Paths, reading: Reading = DEFAULT_READING, max_documents: int | None = None
) -> Counter[str]:
    """Counts the documents of each label, over all documents."""
    documents = read_documents(paths, labelled=True, reading=reading, max_documents=max_documents)
    return Counter(label for document in documents for label in document.labels)


def holds_pairs(paths: Paths, reading: Reading = DEFAULT_READING) -> bool:
    """Whether labelled files hold pairs of texts.

    The first document of the first file decides, unless `reading` does; then the first of each
    other file must be of the same kind.

    Raises:
        InputError: one file holds pairs and another one single texts.
    """
    pairs, named_by = reading.pairs, ""
    for path in data_files(paths):
        # Where single texts are read, a tab is white space; a pair must be one by itself.
        kind = reading.replace(pairs=False) if pairs is False else reading
        document = next(read_documents([path], labelled=True, reading=kind))
        if pairs is None:
            pairs, named_by = document.text_b is not None, document.path
        _check_kind(document, f"{named_by} holds", pairs=pairs)
    return bool(pairs)


def build_vocabulary(
    paths: Paths,
    tokenizer: Tokenizer,
    *,
    vocab_size: int = 30_000,
    min_count: int = 2,
    reading: Reading = DEFAULT_READING,
    max_documents: int | None = None,
    processes: int = 1,
) -> Vocabulary:
    """Makes a vocabulary from labelled documents, for training without a checkpoint."""
    files = data_files(paths)
    documents = read_documents(files, labelled=True, reading=reading, max_documents=max_documents)
    texts = (document.texts for document in with_progress(documents, files))
    counts = TokenCounts()
    for block in tokenize_texts(texts, tokenizer, process_count(processes), by_sentence=False):
        counts.add(block)
    return Vocabulary.from_counts(counts.as_dict(), vocab_size, min_count)


def prepare_labelled_data(
    paths: Paths,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    labels: LabelSet | None,
    *,
    reading: Reading = DEFAULT_READING,
    cache_folder: str | os.PathLike[str],
    processes: int = 1,
    max_documents: int | None = None,
    test_mode: bool = False,
) -> LabelledCorpus:
    """Tokenizes labelled documents once and keeps their ids in the cache.

    Args:
        paths: files, folders or patterns, all of single texts or all of pairs.
        labels: every label that may occur; to be made from all splits. None: the documents have no
            labels, or they are dropped; then `reading` says whether they are pairs.
        reading: how to read them.
        cache_folder: where caches are looked for and written.
        processes: how many tokenize; 0: one per core.
        max_documents: the most documents to read (see `read_documents`).
        test_mode: keeps the caches of test runs apart.

    Returns:
        Every document of the files, in order.

    Raises:
        InputError: a document cannot be read, or has a label that `labels` lacks.
    """
    files = data_files(paths)
    labelled = labels is not None
    pairs = holds_pairs(files, reading) if labelled else bool(reading.pairs)
    reading = reading.replace(pairs=pairs)
    kind = "labelled" if labelled else "unlabelled"
    known = labels.labels if labels is not None else ()
    description: dict[str, Any] = {
        "kind": kind,
        "format_version": FORMAT_VERSION,
        "sources": digests(files),
        "tokenizer": tokenizer.identity(),
        "vocabulary": vocabulary.digest,
        "labels": list(known),
        "reading": described(files, reading),
        "max_documents": max_documents,
        "test_mode": test_mode,
    }
    key = fingerprint(description)
    target = cache_path(cache_folder, kind, key)
    values = {"ids": len(vocabulary), "label_ids": len(known)}
    # A pair has two texts: the offsets that divide the ids into texts hold its boundary.
    texts_offsets = "text_offsets" if pairs else "offsets"
    offsets = {texts_offsets: "ids", "label_offsets": "label_ids"}
    arrays = open_cache(target, key, values=values, offsets=offsets)
    if arrays is not None:
        logger.info("Reading %s documents from the cache %s", kind, target)
        return _corpus(arrays)

    begin = time.monotonic()
    counts = TokenCounts()
    documents = read_documents(
        files, labelled=labelled, reading=reading, max_documents=max_documents
    )
    with RaggedWriter(target, description, values=values, offsets=offsets) as writer:
        # Labels are written while their document is read, its tokens when they come back.
        texts = _texts(with_progress(documents, files), labels, writer, pairs=pairs)
        for block in tokenize_texts(texts, tokenizer, process_count(processes), by_sentence=False):
            writer.append("ids", counts.add(block))
            writer.append_lengths(texts_offsets, block.sentence_lengths)
        check_unchanged(files, description["sources"])
        table, unknown = counts.final_ids(vocabulary)
        writer.remap("ids", table)
    arrays = read_back(open_cache(target, key, values=values, offsets=offsets), target)
    corpus = _corpus(arrays)
    each = f", {len(corpus.label_ids) / len(corpus):.2f} labels each" if labelled else ""
    logger.info(
        "%d %s %s, %d tokens (%.2f %% unknown to the vocabulary)%s, tokenized in %.0f s, kept in "
        "%s",
        len(corpus),
        kind,
        "pairs" if pairs else "documents",
        len(corpus.ids),
        100 * unknown,
        each,
        time.monotonic() - begin,
        target,
    )
    return corpus


def _check_kind(document: Document, reason: str, *, pairs: bool) -> None:
    try:
        check_kind(document.texts, pairs=pairs, reason=reason)
    except InputError as error:
        raise InputError(error.message, document.path, document.line) from None


def _corpus(arrays: dict[str, np.ndarray]) -> LabelledCorpus:
    """The corpus from the arrays of a cache."""
    if "text_offsets" not in arrays:
        return LabelledCorpus(**arrays)
    texts = arrays["text_offsets"]
    return LabelledCorpus(
        ids=arrays["ids"],
        offsets=texts[::2],
        label_ids=arrays["label_ids"],
        label_offsets=arrays["label_offsets"],
        first_lengths=np.diff(texts)[::2],
    )


def _texts(
    documents: Iterable[Document], labels: LabelSet | None, writer: RaggedWriter, *, pairs: bool
) -> Iterator[Text]:
    known = set(labels.labels) if labels is not None else set()
    for document in documents:
        if labels is None:  # The reader has checked those that have labels.
            _check_kind(document, "this run reads", pairs=pairs)
        for label in document.labels:
            if label not in known:
                raise InputError(
                    f"the label {label!r} is not one of the {len(known)} known labels; labels "
                    "are taken from the checkpoint, or else from all of the data files",
                    path=document.path,
                    line=document.line,
                )
        ids = labels.ids(document.labels) if labels is not None else []
        writer.append("label_ids", np.array(ids, np.int32))
        writer.append_lengths("label_offsets", np.array([len(ids)]))
        yield document.texts
