"""Labelled examples of several texts each, tokenized once and kept in the cache."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from common.files import digests
from data_util.cache.reading import FORMAT_VERSION, fingerprint, open_cache, read_back
from data_util.cache.writing import RaggedWriter, cache_path
from data_util.reading.sources import check_unchanged
from data_util.tokens.tokenize_corpus import TokenCounts, process_count, tokenize_texts
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_OFFSETS = {"text_offsets": "ids", "example_offsets": "text_offsets", "value_offsets": "values"}


@dataclass(frozen=True, slots=True)
class TextGroup:
    """An example.

    Attributes:
        texts: one or more.
        values: what the task knows of it, int32 each.
    """

    texts: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TokenizedGroups:
    """Examples of several texts each, in the order of their files.

    Attributes:
        ids: (tokens,) int32, all texts one after another; a read-only memory map of the cache.
        text_offsets: (texts + 1,) int64, text t is `ids[text_offsets[t]:text_offsets[t + 1]]`.
        example_offsets: (examples + 1,) int64, the texts of each example, likewise.
        values: (values,) int32.
        value_offsets: (examples + 1,) int64, the values of each example, likewise.
    """

    ids: np.ndarray
    text_offsets: np.ndarray
    example_offsets: np.ndarray
    values: np.ndarray
    value_offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.example_offsets) - 1

    @property
    def text_lengths(self) -> np.ndarray:
        """(texts,) int64: the number of tokens of each text."""
        return np.diff(self.text_offsets)

    def texts(self, example: int) -> list[np.ndarray]:
        """The token ids of each text of an example, int32."""
        first, last = self.example_offsets[example : example + 2].tolist()
        ends = self.text_offsets[first : last + 1].tolist()
        return [self.ids[start:end] for start, end in pairwise(ends)]

    def values_of(self, example: int) -> np.ndarray:
        """The values of an example, int32."""
        return self.values[self.value_offsets[example] : self.value_offsets[example + 1]]


def count_tokens(texts: Iterable[str], tokenizer: Tokenizer, processes: int = 1) -> dict[str, int]:
    """How often each token occurs in some texts."""
    counts = TokenCounts()
    for block in tokenize_texts(texts, tokenizer, process_count(processes), by_sentence=False):
        counts.add(block)
    return counts.as_dict()


def tokenize_groups(
    files: Sequence[Path],
    read: Callable[[], Iterable[TextGroup]],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    description: Mapping[str, Any],
    *,
    cache_folder: Path,
    processes: int = 1,
) -> TokenizedGroups:
    """Tokenizes examples, or reads them from the cache.

    Args:
        files: that the examples are read from.
        read: reads the examples.
        tokenizer, vocabulary: turn their texts into ids.
        description: all that the examples depend on beside the files, the tokenizer and the
            vocabulary, as JSON; its "kind" is part of the file's name.
        cache_folder: where caches are looked for and written.
        processes: how many tokenize; 0: one per core.

    Raises:
        InputError: an example cannot be read.
    """
    full = {
        **description,
        "format_version": FORMAT_VERSION,
        "sources": digests(files),
        "tokenizer": tokenizer.identity(),
        "vocabulary": vocabulary.digest,
    }
    key = fingerprint(full)
    target = cache_path(cache_folder, description["kind"], key)
    values = {"ids": len(vocabulary), "values": None}
    arrays = open_cache(target, key, values=values, offsets=_OFFSETS)
    if arrays is not None:
        logger.info("Reading labelled examples from the cache %s", target)
        return TokenizedGroups(**arrays)
    begin = time.monotonic()
    counts = TokenCounts()
    with RaggedWriter(target, full, values=values, offsets=_OFFSETS) as writer:
        # Values are written while their example is read, its tokens when they come back.
        texts = _texts(read(), writer)
        for block in tokenize_texts(texts, tokenizer, process_count(processes), by_sentence=False):
            writer.append("ids", counts.add(block))
            writer.append_lengths("text_offsets", block.sentence_lengths)
        check_unchanged(files, full["sources"])
        table, unknown = counts.final_ids(vocabulary)
        writer.remap("ids", table)
    arrays = read_back(open_cache(target, key, values=values, offsets=_OFFSETS), target)
    groups = TokenizedGroups(**arrays)
    logger.info(
        "%s labelled examples, %s tokens (%.2f %% unknown to the vocabulary), tokenized in %.0f s, "
        "kept in %s",
        f"{len(groups):,}",
        f"{len(groups.ids):,}",
        100 * unknown,
        time.monotonic() - begin,
        target,
    )
    return groups


def _texts(groups: Iterable[TextGroup], writer: RaggedWriter) -> Iterator[str]:
    for group in groups:
        writer.append("values", np.array(group.values, np.int32))
        writer.append_lengths("value_offsets", np.array([len(group.values)]))
        writer.append_lengths("example_offsets", np.array([len(group.texts)]))
        yield from group.texts
