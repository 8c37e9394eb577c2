"""Texts to token ids, block by block, in several processes.

The ids are provisional: they number the tokens as they appear. When the last text is read and the
vocabulary is known, a table maps them to the final ids, so that one pass over the text is enough.
"""

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.parallel import ordered_map, usable_cores
from common.progress import Progress
from data_util.reading.documents import Document
from data_util.reading.mentions import LabelMentions
from data_util.reading.text_pairs import Text
from data_util.tokens.sentences import split_sentences
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary

BLOCK_CHARACTERS = 1 << 19


@dataclass(frozen=True, slots=True)
class TokenBlock:
    """The tokens of some documents.

    Attributes:
        tokens: the distinct tokens, in order of first appearance.
        ids: (number of tokens,) int32, indices into `tokens`.
        sentence_lengths: (sentences,) int64, tokens per sentence. A text that is not split is one
            sentence, a pair is always two.
        document_lengths: (documents,) int64, sentences per document.
        label_ids: int32, the ids of the labels that each document names, one document after the
            other.
        label_lengths: (documents,) int64, labels per document: all 0 if none were looked for.
        word_starts: see `IndexedTokens`.
    """

    tokens: list[str]
    ids: np.ndarray
    sentence_lengths: np.ndarray
    document_lengths: np.ndarray
    label_ids: np.ndarray
    label_lengths: np.ndarray
    word_starts: np.ndarray | None = None


def tokenize_texts(
    texts: Iterable[Text],
    tokenizer: Tokenizer,
    processes: int,
    *,
    by_sentence: bool,
    mentions: LabelMentions | None = None,
    word_starts: bool = False,
) -> Iterator[TokenBlock]:
    """Tokenizes texts in `processes` processes.

    Args:
        by_sentence: whether to split each text into sentences and leave out those without a token,
            and texts without a sentence. Otherwise every text is one sentence, even an empty one.
            The two texts of a pair are one sentence each in either case.
        mentions: finds the labels that each text names, and hides their names.
        word_starts: see `Tokenizer.index`.

    Returns:
        Blocks of the texts in order. Which texts share a block does not depend on `processes`.
    """
    return ordered_map(
        _tokenize_block,
        _blocks_of_texts(texts),
        processes,
        initializer=_set_worker,
        initargs=(tokenizer, by_sentence, mentions, word_starts),
    )


class TokenCounts:
    """Every distinct token so far, with its provisional id and its count."""

    def __init__(self) -> None:
        # A new token gets the next id without a line of Python for each token.
        self._ids: defaultdict[str, int] = defaultdict(itertools.count().__next__)
        self._counts = array("q")

    def add(self, block: TokenBlock) -> np.ndarray:
        """Counts a block's tokens and returns their provisional ids, int32."""
        ids = self._ids
        table = np.fromiter(map(ids.__getitem__, block.tokens), np.int32, len(block.tokens))
        self._counts.extend([0] * (len(ids) - len(self._counts)))
        counts = np.frombuffer(self._counts, np.int64)
        counts[table] += np.bincount(block.ids, minlength=len(table))
        return table[block.ids]

    def as_dict(self) -> dict[str, int]:
        """The counts by token."""
        return dict(zip(self._ids, self._counts, strict=True))

    def final_ids(self, vocabulary: Vocabulary) -> tuple[np.ndarray, float]:
        """A table from provisional to final ids, and the fraction of the text that is unknown."""
        table = vocabulary.encode(list(self._ids))
        counts = np.array(self._counts, np.int64)
        return table, float(counts[table == vocabulary.unk_id].sum() / max(1, counts.sum()))


def with_progress(documents: Iterable[Document], paths: Sequence[Path]) -> Iterator[Document]:
    """Passes documents on and shows the progress, by the bytes that were read."""
    sizes = {str(path): path.stat().st_size for path in paths}
    begun, path, in_file = 0, "", 0
    with Progress("tokenizing", sum(sizes.values())) as progress:
        progress.phase(f"reading {', '.join(sizes)}")
        for count, document in enumerate(documents, start=1):
            if document.path != path:
                begun, path, in_file = begun + sizes.get(path, 0), document.path, 0
            in_file += len(document.text.encode()) + len((document.text_b or "").encode())
            yield document
            # A JSON line holds more than its text, so this is a little too small.
            position = begun + min(in_file, sizes.get(path, in_file))
            progress.advance(position - progress.done, f"{count:,} documents")


def process_count(processes: int) -> int:
    """The number of processes; 0 stands for one per core."""
    return processes if processes > 0 else usable_cores()


def _blocks_of_texts(texts: Iterable[Text]) -> Iterator[list[Text]]:
    block: list[Text] = []
    characters = 0
    for text in texts:
        block.append(text)
        characters += len(text) if isinstance(text, str) else len(text[0]) + len(text[1])
        if characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


_worker: tuple[Tokenizer, bool, LabelMentions | None, bool]


def _set_worker(*arguments: Any) -> None:
    global _worker
    _worker = arguments


def _tokenize_block(texts: list[Text]) -> TokenBlock:
    tokenizer, by_sentence, mentions, word_starts = _worker
    labels: list[list[int]] = [[] for _ in texts]
    if mentions is not None:
        texts, labels = map(list, zip(*map(mentions.find_ids, texts), strict=True))
    sentences: list[str] = []
    document_ends = []
    for text in texts:
        if isinstance(text, tuple):
            sentences.extend(text)
        elif by_sentence:
            sentences.extend(split_sentences(text))
        else:
            sentences.append(text)
        document_ends.append(len(sentences))
    indexed = tokenizer.index(sentences, word_starts=word_starts)
    kept = indexed.lengths > 0 if by_sentence else np.ones(len(sentences), bool)
    # The number of kept sentences up to each document's end.
    ends = np.concatenate([[0], np.cumsum(kept)])[[0, *document_ends]]
    document_lengths = np.diff(ends)
    not_empty = document_lengths > 0
    labels = list(itertools.compress(labels, not_empty))
    return TokenBlock(
        indexed.tokens,
        indexed.indices,
        indexed.lengths[kept],
        document_lengths[not_empty],
        np.array(list(itertools.chain.from_iterable(labels)), np.int32),
        np.array([len(of_document) for of_document in labels], np.int64),
        indexed.word_starts,
    )
