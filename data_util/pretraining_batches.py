"""Batches for pre-training: sentence pairs with masks, drawn anew at every epoch."""

import logging
from collections.abc import Iterator

import numpy as np

from common.errors import InputError
from data_util.bucketing import make_batches, padded_length
from data_util.masking import Masker
from data_util.packing import Rows, Segments, plan_rows
from data_util.pretraining_corpus import PretrainingCorpus
from data_util.random_streams import random_generator
from data_util.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class PretrainingBatches:
    """What pre-training learns from, an epoch at a time.

    Pairs and order are a function of (seed, stream, epoch), the masks of a batch of (seed, stream,
    epoch, step): any epoch can be begun at any step.

    Args:
        corpus: tokenized text.
        documents: the numbers of those to use.
        vocabulary: the corpus'.
        sequence_length: tokens in a sequence, at most.
        batch_size: sequences in a batch.
        seed: of all that is drawn.
        next_sentence: `[CLS] A [SEP] B [SEP]`; otherwise `[CLS] A [SEP]`.
        masked_lm: hide tokens; otherwise every `masked_weights` is 0.
        mask_probability: share of the tokens that are hidden.
        shuffle: False sorts by length; with the same epoch at every call (validation), every call
            gives the same batches in any case.
        stream: name of the random streams: two sets of batches draw independently.
    """

    def __init__(
        self,
        corpus: PretrainingCorpus,
        documents: np.ndarray,
        vocabulary: Vocabulary,
        *,
        sequence_length: int,
        batch_size: int,
        seed: int,
        next_sentence: bool = True,
        masked_lm: bool = True,
        mask_probability: float = 0.15,
        shuffle: bool = True,
        stream: str = "train",
    ) -> None:
        if sequence_length < 5:
            raise InputError(
                f"sequences of {sequence_length} tokens cannot hold two sentences: set "
                "--sequence_length_lm to 5 or more"
            )
        self._ids = np.asarray(corpus.ids)
        self._document_starts = corpus.sentence_offsets[corpus.document_offsets[:-1]]
        self._documents = np.asarray(documents)
        self._vocabulary = vocabulary
        self._sequence_length = sequence_length
        self._batch_size = batch_size
        self._seed = seed
        self._next_sentence = next_sentence
        self._masked_lm = masked_lm
        self._shuffle = shuffle
        self._stream = stream
        self._room = sequence_length - (3 if next_sentence else 2)
        self._segments = Segments(corpus, self._room)
        self._masker = Masker(vocabulary, mask_probability)
        self._planned: tuple[int, Rows, list[np.ndarray]] | None = None
        if next_sentence and len(self._documents) == 1:
            logger.warning(
                "Only one document (%s): no sentence of another one is there to tell a next "
                "sentence from, so next-sentence prediction is not learned.",
                stream,
            )

    def steps(self, epoch: int) -> int:
        """Batches in an epoch (pairs are drawn anew, so epochs differ a little)."""
        return len(self._plan(epoch)[1])

    def examples(self, epoch: int) -> int:
        """Sequences in an epoch."""
        return len(self._plan(epoch)[0])

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[dict[str, np.ndarray]]:
        """The batches of an epoch from `first_step` on; the last may be smaller.

        Yields:
            L is the longest sequence of the batch rounded up to a multiple of 32 and at most
            `sequence_length`, P the number of slots for masks that goes with L:
            `token_ids`, `segment_ids` (batch, L) int32, `padding_mask` (batch, L) bool (True for
            a token), `masked_positions`, `masked_ids` (batch, P) int32, `masked_weights`
            (batch, P) float32, `pair_kind` (batch,) int32, `pair_weights` (batch,) float32.
        """
        rows, batches = self._plan(epoch)
        for step in range(first_step, len(batches)):
            generator = random_generator(self._seed, f"{self._stream} masks", epoch, step)
            yield self._batch(rows, batches[step], generator)

    def documents(self, epoch: int, step: int) -> np.ndarray:
        """The numbers of the documents in a batch, each once, in rising order."""
        rows, batches = self._plan(epoch)
        chosen = batches[step]
        paired = chosen[rows.b_length[chosen] > 0]
        starts = np.concatenate([rows.a_start[chosen], rows.b_start[paired]])
        # A document without a token starts where the next one does, and is not the one.
        return np.unique(np.searchsorted(self._document_starts, starts, side="right") - 1)

    def _plan(self, epoch: int) -> tuple[Rows, list[np.ndarray]]:
        if self._planned is None or self._planned[0] != epoch:
            pairs = random_generator(self._seed, f"{self._stream} pairs", epoch)
            rows = plan_rows(
                self._segments, self._documents, self._room, pairs, pairs=self._next_sentence
            )
            order = random_generator(self._seed, f"{self._stream} order", epoch)
            batches = make_batches(rows.lengths, self._batch_size, order if self._shuffle else None)
            self._planned = (epoch, rows, batches)
        return self._planned[1:]

    def _batch(
        self, rows: Rows, chosen: np.ndarray, generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        a_length, b_length = rows.a_length[chosen, None], rows.b_length[chosen, None]
        total = a_length + b_length + 2 + (b_length > 0)
        length = padded_length(int(total.max()), self._sequence_length)
        column = np.arange(length)
        in_b = column > a_length + 1
        source = column + np.where(
            in_b, rows.b_start[chosen, None] - a_length - 2, rows.a_start[chosen, None] - 1
        )
        padding_mask = column < total
        separator = (column == a_length + 1) | ((column == total - 1) & (b_length > 0))
        # Reserved and padded places point anywhere: to the first token, then written over.
        text = padding_mask & ~separator & (column > 0)
        token_ids = self._ids[np.where(text, source, 0)]
        token_ids[~text] = self._vocabulary.pad_id
        token_ids[separator] = self._vocabulary.sep_id
        token_ids[:, 0] = self._vocabulary.cls_id
        masks = (
            self._masker.mask(token_ids, generator)
            if self._masked_lm
            else self._masker.no_masks(len(chosen), length)
        )
        return {
            "token_ids": token_ids,
            "segment_ids": (in_b & padding_mask).astype(np.int32),
            "padding_mask": padding_mask,
            **masks,
            "pair_kind": rows.is_next[chosen],
            "pair_weights": rows.pair_weight[chosen],
        }
