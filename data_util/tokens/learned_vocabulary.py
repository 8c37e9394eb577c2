"""Vocabularies that are learned from files before these are tokenized, through the cache."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.files import digests
from data_util.cache.reading import fingerprint
from data_util.reading.documents import read_documents, units_of
from data_util.reading.records import described
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import sources
from data_util.reading.text_pairs import Text
from data_util.tokens.piece_training import BertWordTokenizer, train_word_pieces
from data_util.tokens.tokenize_corpus import (
    TokenCounts,
    process_count,
    tokenize_texts,
    with_progress,
)
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

logger = logging.getLogger(__name__)

# Changes with what is learned from the same text.
_VERSION = 1


@dataclass(frozen=True)
class LearnedFrom:
    """The text that a vocabulary is learned from.

    Attributes:
        paths: as for pre-training; labels are not read.
        cache_folder: where vocabularies are looked for and written.
        unit: what a document of plain text is, see `read_documents`.
        reading: how to read the files.
        processes: how many tokenize; 0: one per core.
        max_documents: the most documents to read.
        read: reads the text of the files, in another way than `read_documents`.
        reader: names `read`, and stands for it in the fingerprint.
    """

    paths: Sequence[str | os.PathLike[str]]
    cache_folder: str | os.PathLike[str]
    unit: str | None = None
    reading: Reading = DEFAULT_READING
    processes: int = 1
    max_documents: int | None = None
    read: Callable[[], Iterator[Text]] | None = None
    reader: str = ""

    def vocabulary(
        self,
        tokenizer: Tokenizer,
        description: dict[str, Any],
        learn: Callable[[Mapping[str, int]], Vocabulary],
    ) -> Vocabulary:
        """What `learn` makes of the counts of the text's tokens; kept for runs that follow.

        Args:
            tokenizer: cuts the text.
            description: what `learn` depends on.
            learn: makes the vocabulary.

        Raises:
            InputError: the text cannot be read, or nothing can be learned from it.
        """
        found = sources(self.paths)
        files = [source.path for source in found]
        key = fingerprint(
            {
                "version": _VERSION,
                "sources": digests(files),
                "tokenizer": tokenizer.identity(),
                "units": units_of(found, self.unit),
                "reading": described(files, self.reading),
                "max_documents": self.max_documents,
                "reader": self.reader,
                **description,
            }
        )
        kept = Path(self.cache_folder) / f"learned-vocab-{key[:16]}.txt"
        if kept.exists():
            try:
                return Vocabulary.load(kept)
            except InputError as error:
                logger.warning("The vocabulary %s is made again: %s", kept, error)
        texts = self._texts(files) if self.read is None else self.read()
        counts = TokenCounts()
        processes = process_count(self.processes)
        for block in tokenize_texts(texts, tokenizer, processes, by_sentence=False):
            counts.add(block)
        learned = learn(counts.as_dict())
        kept.parent.mkdir(parents=True, exist_ok=True)
        learned.save(kept)
        return learned

    def _texts(self, files: Sequence[Path]) -> Iterator[Text]:
        documents = read_documents(
            self.paths,
            labelled=False,
            reading=self.reading,
            unit=self.unit,
            max_documents=self.max_documents,
        )
        return (document.texts for document in with_progress(documents, files))


def learn_word_pieces(
    source: LearnedFrom,
    *,
    lower_case: bool = True,
    normalize: str = "none",
    vocab_size: int = 30_000,
    min_count: int = 2,
) -> Vocabulary:
    """Learns word pieces from files.

    Args:
        source: the text.
        lower_case, normalize: as of the tokenizer that will use them.
        vocab_size, min_count: as in `train_word_pieces`.

    Raises:
        InputError: the text cannot be read, or nothing can be learned from it.
    """
    vocabulary = source.vocabulary(
        BertWordTokenizer(lower_case, normalize),
        {"kind": "word pieces", "size": vocab_size, "min": min_count},
        lambda counts: train_word_pieces(counts, vocab_size, min_count),
    )
    logger.info("%d word pieces learned from the text", len(vocabulary) - len(RESERVED))
    return vocabulary


def extended_vocabulary(
    source: LearnedFrom,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    *,
    max_size: int,
    min_count: int = 2,
) -> Vocabulary:
    """Adds the tokens of new text to a vocabulary.

    Of word pieces, whole words are added that `tokenizer` cuts into several pieces, and characters
    that it does not know.

    Args:
        source: the text.
        tokenizer: of the vocabulary.
        vocabulary: keeps its tokens and their ids.
        max_size: the largest size of the result.
        min_count: rarer tokens are not added.

    Returns:
        The tokens of `vocabulary`, then the new ones, the most frequent first.

    Raises:
        InputError: the text cannot be read.
    """
    reader, count = tokenizer, _unchanged
    if tokenizer.style == "wordpiece":
        reader = BertWordTokenizer(tokenizer.lower_case, tokenizer.normalize, tokenizer.rules)
        count = _with_characters

    def learn(counts: Mapping[str, int]) -> Vocabulary:
        return vocabulary.extended(count(counts, vocabulary), max_size, min_count)

    extended = source.vocabulary(
        reader,
        {"kind": "extension", "of": vocabulary.digest, "size": max_size, "min": min_count},
        learn,
    )
    if extended.tokens[: len(vocabulary)] != vocabulary.tokens:
        raise InputError("a kept vocabulary was altered: empty the folder", source.cache_folder)
    return extended


def parts_of_new_tokens(extended: Vocabulary, known: Vocabulary, style: str) -> list[np.ndarray]:
    """What the tokens that an extension added consist of in the vocabulary before it.

    A token is cut into the longest known tokens from left to right; unknown characters between them
    are left out. A token without any known part stands for what was read in its place: [UNK].

    Args:
        extended: the result of `extended_vocabulary`.
        known: what it extends.
        style: of the tokenizer.

    Returns:
        For each new token the ids of its parts in `known`, int32, at least one.
    """
    prefix = "##" if style == "wordpiece" else ""
    longest = max(map(len, known.tokens))
    text_tokens = {known.tokens[index] for index in known.ordinary_ids}
    parts = []
    for token in extended.tokens[len(known) :]:
        found, position = [], 0
        within = bool(prefix) and token.startswith(prefix)
        rest = token.removeprefix(prefix) if within else token
        while position < len(rest):
            lead = prefix if within or position else ""
            for end in range(min(len(rest), position + longest), position, -1):
                if lead + rest[position:end] in text_tokens:
                    found.append(lead + rest[position:end])
                    position = end
                    break
            else:
                position += 1
        ids = known.encode(found)
        parts.append(ids if len(ids) else np.array([known.unk_id], np.int32))
    return parts


def _unchanged(counts: Mapping[str, int], vocabulary: Vocabulary) -> Mapping[str, int]:
    return counts


def _with_characters(counts: Mapping[str, int], vocabulary: Vocabulary) -> Mapping[str, int]:
    """The counts of words, and of the characters in them that the vocabulary lacks."""
    known = set(vocabulary.tokens)
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for index, char in enumerate(word):
            piece = f"##{char}" if index else char
            if piece not in known and len(word) > 1:
                characters[piece] += count
    return characters + Counter(counts)
