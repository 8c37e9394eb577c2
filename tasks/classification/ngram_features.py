"""The features of labelled texts and pairs, as the linear classifier reads them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from common.blocks import blocks
from data_util.inputs import truncated
from data_util.reading.documents import read_documents
from data_util.reading.text_pairs import Text
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.pair_table import FeatureTable, PairTable
from data_util.tokens.sparse_rows import SparseRows
from tasks.classification.feature_selection import (
    selected_rows,
    selected_table,
    strongest_ngrams,
)
from tasks.data import DataSettings

# A classifier with more weights than this would be larger than any backbone of the presets.
MAX_WEIGHTS = 8_000_000
MAX_NGRAMS = 1 << 17
MIN_NGRAMS = 1 << 15
# With so few documents, n-grams that a single one has are worth their weights: a text with many of
# them is known to be unlike the others.
_FEW_DOCUMENTS = 20_000
# Examples whose features are looked up together.
_BLOCK = 64


# A text, or the two texts of a pair, as tokens.
Tokens = tuple[list[str], ...]


def read_tokens(paths: Sequence[str], settings: DataSettings) -> Iterator[Tokens]:
    """The tokens of labelled texts or pairs, as many of each text as the network reads."""
    documents = read_documents(
        paths, labelled=True, reading=settings.reading, max_documents=settings.max_examples
    )
    return tokens_of((document.texts for document in documents), settings)


def tokens_of(texts: Iterable[Text], settings: DataSettings) -> Iterator[Tokens]:
    """The tokens of texts or pairs, as many of each text as the network reads."""
    for text in texts:
        parts = (text,) if isinstance(text, str) else text
        tokens = [settings.tokenizer.tokenize(part) for part in parts]
        yield truncated(tokens, settings.sequence_length)


def build_table(
    tokens: Callable[[], Iterable[Tokens]],
    examples: int,
    num_labels: int,
    *,
    pairs: bool,
    segmented: bool = False,
) -> FeatureTable:
    """Makes the table of the features of training examples.

    Args:
        tokens: gives the tokens of the examples, each time from the first one on.
        examples: their number.
        num_labels: their number bounds that of the features; see `room_for`. Of single texts there
            may be more, of which `select` keeps the best.
        pairs: whether the examples are pairs.
        segmented: see `NgramTable`.
    """
    room = room_for(num_labels)
    if pairs:
        return PairTable.build(
            lambda: ((first, second) for first, second in tokens()), room, segmented=segmented
        )
    return NgramTable.build(
        (text for (text,) in tokens()),
        # With too little room for most of them, the best are selected afterwards.
        MAX_NGRAMS if room < MAX_NGRAMS // 2 else room,
        min_documents=1 if examples <= _FEW_DOCUMENTS else 2,
        segmented=segmented,
    )


def room_for(num_labels: int) -> int:
    """How many features a classifier has at most: each has a weight for each label."""
    return min(MAX_NGRAMS, max(MIN_NGRAMS, MAX_WEIGHTS // num_labels))


def is_feasible(num_labels: int) -> bool:
    """Whether `MIN_NGRAMS` n-grams with a weight for each label are not too much."""
    return MIN_NGRAMS * num_labels <= 16 * MAX_WEIGHTS


def select(
    table: FeatureTable, features: Mapping[str, SparseRows], targets: np.ndarray
) -> tuple[FeatureTable, dict[str, SparseRows]]:
    """Keeps the n-grams that tell labels apart, where there are more than there is room for.

    Args:
        table: of all features.
        features: of the texts of each split; "train" has one for each of the targets.
        targets: (examples, labels) bool.
    """
    room = room_for(targets.shape[1])
    if not isinstance(table, NgramTable) or len(table) <= room:
        return table, dict(features)
    kept = strongest_ngrams(table, features["train"], targets, room)
    chosen = {split: selected_rows(table, rows, kept) for split, rows in features.items()}
    return selected_table(table, kept), chosen


def stacked(table: FeatureTable, tokens: Iterable[Tokens]) -> SparseRows:
    """The features of several examples."""
    return SparseRows.stack(
        row for block in blocks(tokens, _BLOCK) for row in table.feature_rows(block)
    )
