"""Batches of labelled documents, for training and for evaluation."""

from collections.abc import Iterator, Sequence

import numpy as np

from common.errors import InputError
from data_util.bucketing import make_batches, padded_length
from data_util.labelled_corpus import LabelledCorpus
from data_util.random_streams import random_generator
from data_util.sentence_pairs import truncated_lengths
from data_util.vocabulary import Vocabulary

_RESERVED_PLACES = 2  # [CLS] and [SEP]
_RESERVED_PLACES_OF_PAIRS = 3  # [CLS], [SEP] and [SEP]


def room_for_text(sequence_length: int, *, pairs: bool = False) -> int:
    """Tokens of a text, or of both texts of a pair together, that a sequence has room for."""
    return sequence_length - (_RESERVED_PLACES_OF_PAIRS if pairs else _RESERVED_PLACES)


def pack_documents(
    documents: Sequence[np.ndarray], vocabulary: Vocabulary, sequence_length: int
) -> dict[str, np.ndarray]:
    """Documents as the backbone's input: `[CLS] ids [SEP]`, padded.

    Args:
        documents: (tokens,) int32 each; what is longer than `sequence_length - 2` is cut at its
            end.
        vocabulary: of the ids.
        sequence_length: longest sequence.

    Returns:
        `token_ids`, `segment_ids` (documents, L) int32 and `padding_mask` (documents, L) bool,
        True for a token. L is the longest sequence, rounded up to a multiple of 32, at most
        `sequence_length`.
    """
    if sequence_length <= _RESERVED_PLACES:
        raise InputError(
            f"sequences of {sequence_length} tokens have no room for text beside [CLS] and [SEP]: "
            "set --sequence_length to 3 or more"
        )
    kept = [ids[: room_for_text(sequence_length)] for ids in documents]
    lengths = np.array([len(ids) for ids in kept], np.int64)
    longest = int(lengths.max(initial=0)) + _RESERVED_PLACES
    shape = (len(kept), padded_length(longest, sequence_length))
    token_ids = np.full(shape, vocabulary.pad_id, np.int32)
    token_ids[:, 0] = vocabulary.cls_id
    for row, ids in enumerate(kept):
        token_ids[row, 1 : len(ids) + 1] = ids
    token_ids[np.arange(len(kept)), lengths + 1] = vocabulary.sep_id
    padding_mask = np.arange(shape[1]) < lengths[:, None] + _RESERVED_PLACES
    return {
        "token_ids": token_ids,
        "segment_ids": np.zeros(shape, np.int32),
        "padding_mask": padding_mask,
    }


def pack_pairs(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], vocabulary: Vocabulary, sequence_length: int
) -> dict[str, np.ndarray]:
    """Pairs as the backbone's input: `[CLS] first [SEP] second [SEP]`, padded.

    Args:
        pairs: (tokens,) int32 twice each; where both don't fit they are cut at their ends, the
            longer one first (see `truncated_lengths`).
        vocabulary: of the ids.
        sequence_length: longest sequence.

    Returns:
        As `pack_documents`; `segment_ids` are 1 at the second text and the [SEP] after it.
    """
    room = room_for_text(sequence_length, pairs=True)
    if room < 2:
        raise InputError(
            f"sequences of {sequence_length} tokens have no room for two texts beside [CLS], "
            "[SEP] and [SEP]: set --sequence_length to 5 or more"
        )
    lengths = np.array([(len(a), len(b)) for a, b in pairs], np.int64).reshape(-1, 2)
    first, second = truncated_lengths(lengths[:, 0], lengths[:, 1], room)
    total = first + second + _RESERVED_PLACES_OF_PAIRS
    shape = (len(pairs), padded_length(int(total.max(initial=0)), sequence_length))
    token_ids = np.full(shape, vocabulary.pad_id, np.int32)
    token_ids[:, 0] = vocabulary.cls_id
    for row, (a, b) in enumerate(pairs):
        end = first[row] + 1
        token_ids[row, 1:end] = a[: first[row]]
        token_ids[row, end + 1 : end + 1 + second[row]] = b[: second[row]]
    rows, column = np.arange(len(pairs)), np.arange(shape[1])
    token_ids[rows, first + 1] = vocabulary.sep_id
    token_ids[rows, total - 1] = vocabulary.sep_id
    padding_mask = column < total[:, None]
    return {
        "token_ids": token_ids,
        "segment_ids": ((column > first[:, None] + 1) & padding_mask).astype(np.int32),
        "padding_mask": padding_mask,
    }


class ClassificationBatches:
    """Labelled documents, an epoch at a time: each exactly once.

    The order is a function of (seed, stream, epoch); with `shuffle=False` it is by length, the
    same in every epoch.

    Args:
        corpus: tokenized documents, or pairs.
        num_labels: length of the targets.
        vocabulary: the corpus'.
        sequence_length: longest sequence, [CLS] and each [SEP] included.
        batch_size: documents in a batch.
        seed: of the order.
        shuffle: False for evaluation.
        stream: name of the random streams.

    Attributes:
        n_cut: documents that are longer than fits.
    """

    def __init__(
        self,
        corpus: LabelledCorpus,
        num_labels: int,
        vocabulary: Vocabulary,
        *,
        sequence_length: int,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        stream: str = "train",
    ) -> None:
        self._corpus = corpus
        self._num_labels = num_labels
        self._vocabulary = vocabulary
        self._sequence_length = sequence_length
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._stream = stream
        lengths = np.diff(corpus.offsets)
        room = room_for_text(sequence_length, pairs=corpus.first_lengths is not None)
        self._lengths = np.minimum(lengths, room)
        self.n_cut = int((lengths > room).sum())

    def steps(self, epoch: int) -> int:
        """Batches in an epoch (the same in every one)."""
        return -(-len(self._corpus) // self._batch_size)

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
        """The batches of an epoch from `first_step` on; the last may be smaller.

        Yields:
            The inputs (see `pack_documents`, `pack_pairs`), targets (batch, num_labels) float32
            that are 1 for each label of the document and 0 elsewhere, and the documents' numbers
            in the corpus (batch,) int64.
        """
        for chosen in self._order(epoch)[first_step:]:
            yield self._inputs(chosen), self._targets(chosen), chosen

    def documents(self, epoch: int, step: int) -> np.ndarray:
        """The numbers of the documents in a batch."""
        return self._order(epoch)[step]

    def _order(self, epoch: int) -> list[np.ndarray]:
        generator = random_generator(self._seed, f"{self._stream} order", epoch)
        return make_batches(self._lengths, self._batch_size, generator if self._shuffle else None)

    def _inputs(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        corpus = self._corpus
        if corpus.first_lengths is None:
            documents = [corpus.tokens(document) for document in chosen]
            return pack_documents(documents, self._vocabulary, self._sequence_length)
        pairs = [corpus.pair(document) for document in chosen]
        return pack_pairs(pairs, self._vocabulary, self._sequence_length)

    def _targets(self, chosen: np.ndarray) -> np.ndarray:
        targets = np.zeros((len(chosen), self._num_labels), np.float32)
        for row, document in enumerate(chosen):
            targets[row, self._corpus.labels(document)] = 1.0
        return targets
