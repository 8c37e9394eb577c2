"""Builds the corpus that pre-training reads from free text, through the cache."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.files import digests
from data_util.cache.reading import FORMAT_VERSION, fingerprint, open_cache, read_back
from data_util.cache.writing import RaggedWriter, cache_path
from data_util.pretraining.corpus import PretrainingCorpus
from data_util.reading.documents import read_documents, units_of
from data_util.reading.mentions import LabelMentions
from data_util.reading.records import described
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import check_unchanged, sources
from data_util.tokens.sentences import SENTENCE_RULES
from data_util.tokens.tokenize_corpus import (
    TokenCounts,
    process_count,
    tokenize_texts,
    with_progress,
)
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.words import SEGMENTER

logger = logging.getLogger(__name__)

_OFFSETS = {"sentence_offsets": "ids", "document_offsets": "sentence_offsets"}
_LABEL_OFFSETS = {"label_offsets": "label_ids"}


def prepare_pretraining_data(
    paths: Sequence[str | os.PathLike[str]],
    tokenizer: Tokenizer,
    *,
    vocab_size: int = 30_000,
    min_count: int = 2,
    vocabulary: Vocabulary | None = None,
    unit: str | None = None,
    reading: Reading = DEFAULT_READING,
    mentions: LabelMentions | None = None,
    word_starts: bool = False,
    cache_folder: str | os.PathLike[str],
    processes: int = 1,
    max_documents: int | None = None,
    test_mode: bool = False,
) -> tuple[PretrainingCorpus, Vocabulary]:
    """Tokenizes free text once and keeps the ids in the cache.

    The memory that this takes grows with the number of distinct tokens, not with the text.

    Args:
        paths: files, folders or patterns; labels are dropped. A pair of texts is a document of two
            sentences.
        tokenizer: splits sentences into tokens.
        vocab_size, min_count: of the vocabulary that is made if none is given.
        vocabulary: the vocabulary to use; None: one is made from the text.
        unit: what a document of plain text is, see `read_documents`.
        reading: how to read the files.
        mentions: finds the labels that each text names, and hides their names; None: the text
            stays as it is.
        word_starts: whether to find which tokens begin a word, if tokens are parts of words.
        cache_folder: where caches are looked for and written.
        processes: how many tokenize; 0: one per core.
        max_documents: the most documents to read (see `read_documents`).
        test_mode: keeps the caches of test runs apart.

    Returns:
        The corpus and the vocabulary.

    Raises:
        InputError: the text cannot be read or is empty.
    """
    found = sources(paths)
    files = [source.path for source in found]
    units = units_of(found, unit)
    description: dict[str, Any] = {
        "kind": "pretraining",
        "format_version": FORMAT_VERSION,
        "sources": digests(files),
        "tokenizer": tokenizer.identity(),
        "vocabulary": vocabulary.digest if vocabulary else {"size": vocab_size, "min": min_count},
        "unit": units[0] if len(set(units)) == 1 else units,
        "reading": described(files, reading),
        "sentences": SENTENCE_RULES,
        "max_documents": max_documents,
        "test_mode": test_mode,
    }
    if mentions is not None:
        description["mentions"] = mentions.digest
    word_starts = word_starts and tokenizer.cuts_words
    if word_starts:
        description["word_starts"] = SEGMENTER
    labels = mentions.labels if mentions is not None else ()
    key = fingerprint(description)
    target = cache_path(cache_folder, "pretraining", key)
    vocabulary_file = target.with_name(f"vocab-{key[:16]}.txt")

    flags = ("word_starts",) if word_starts else ()
    cached = _open(target, key, vocabulary, vocabulary_file, labels, flags)
    if cached is not None:
        logger.info("Reading pre-training data from the cache %s", target)
        return cached

    begin = time.monotonic()
    counts = TokenCounts()
    documents = read_documents(
        paths, labelled=False, reading=reading, unit=unit, max_documents=max_documents
    )
    texts = (document.texts for document in with_progress(documents, files))
    blocks = tokenize_texts(
        texts,
        tokenizer,
        process_count(processes),
        by_sentence=True,
        mentions=mentions,
        word_starts=word_starts,
    )
    values, offsets = _streams(labels)
    with RaggedWriter(target, description, values=values, offsets=offsets, flags=flags) as writer:
        for block in blocks:
            writer.append("ids", counts.add(block))
            writer.append_lengths("sentence_offsets", block.sentence_lengths)
            writer.append_lengths("document_offsets", block.document_lengths)
            if block.word_starts is not None:
                writer.append("word_starts", block.word_starts)
            if labels:
                writer.append("label_ids", block.label_ids)
                writer.append_lengths("label_offsets", block.label_lengths)
        check_unchanged(files, description["sources"])
        made = vocabulary or Vocabulary.from_counts(counts.as_dict(), vocab_size, min_count)
        table, unknown = counts.final_ids(made)
        if not len(table):
            raise InputError("no token in any document: is this text?", path=str(files[0]))
        writer.remap("ids", table)
        writer.append("vocabulary_digest", _digest_bytes(made))
        if vocabulary is None:
            made.save(vocabulary_file)
    built = _open(target, key, made, vocabulary_file, labels, flags)
    corpus, vocabulary = read_back(built, target)
    logger.info(
        "%d documents, %d sentences, %d tokens (%.2f %% unknown to a vocabulary of %d) "
        "tokenized in %.0f s, kept in %s",
        len(corpus),
        len(corpus.sentence_offsets) - 1,
        len(corpus.ids),
        100 * unknown,
        len(made),
        time.monotonic() - begin,
        target,
    )
    if labels:
        logger.info("%d documents name at least one of %d labels", corpus.naming, len(labels))
    return corpus, vocabulary


def _streams(labels: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of the values and the offsets (see `open_cache`) of a corpus' cache."""
    if not labels:
        return ("ids", "vocabulary_digest"), _OFFSETS
    return ("ids", "vocabulary_digest", "label_ids"), {**_OFFSETS, **_LABEL_OFFSETS}


def _open(
    target: Path,
    key: str,
    vocabulary: Vocabulary | None,
    vocabulary_file: Path,
    labels: tuple[str, ...],
    flags: tuple[str, ...],
) -> tuple[PretrainingCorpus, Vocabulary] | None:
    """Corpus and vocabulary from the cache, if both are there and belong together."""
    if vocabulary is None:
        if not target.exists():
            return None
        try:
            vocabulary = Vocabulary.load(vocabulary_file)
        except (InputError, OSError) as error:
            logger.warning("The cache %s is made again: its vocabulary is gone: %s", target, error)
            return None
    names, offsets = _streams(labels)
    below = {"ids": len(vocabulary), "vocabulary_digest": 256, "label_ids": len(labels)}
    values = {name: below[name] for name in names}
    arrays = open_cache(target, key, values=values, offsets=offsets, flags=flags)
    if arrays is None:
        return None
    if not np.array_equal(arrays["vocabulary_digest"], _digest_bytes(vocabulary)):
        logger.warning(
            "The cache %s is made again: %s is not its vocabulary.", target, vocabulary_file
        )
        return None
    del arrays["vocabulary_digest"]
    return PretrainingCorpus(**arrays, labels=labels), vocabulary


def _digest_bytes(vocabulary: Vocabulary) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(vocabulary.digest), np.uint8).astype(np.int32)
