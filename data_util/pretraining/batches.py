"""Batches for pre-training: rows and noise, drawn anew in every epoch."""

import logging
from collections.abc import Iterator

import numpy as np

from common.errors import InputError
from common.random_streams import random_generator
from data_util.bucketing import make_batches, padded_length
from data_util.pretraining.corpus import PretrainingCorpus
from data_util.pretraining.mentioned_labels import MentionedLabels
from data_util.pretraining.noise.base import Noise
from data_util.pretraining.rows.base import RowPlan, Rows
from data_util.pretraining.segments import TextSegments
from data_util.registry import ROWS
from data_util.tokens.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class PretrainingBatches:
    """The batches of pre-training.

    Rows and their order are a function of (seed, stream, epoch), and the noise of a batch is one of
    (seed, stream, epoch, step): any epoch can start at any step.

    Args:
        corpus: tokenized text.
        documents: (documents,) int64, the indices of those to use.
        vocabulary: of the corpus.
        rows: a row plan, or a key of `data_util.registry.ROWS` for one with default arguments.
        noise: what is hidden or changed in a batch.
        sequence_length: the longest sequence, in tokens.
        batch_size: sequences per batch.
        seed: of everything that is drawn.
        shuffle: False: sort by length. (With the same epoch at every call, as in validation, every
            call gives the same batches in either case.)
        stream: name of the random streams, so that two sets of batches draw independently.

    Raises:
        InputError: the sequences are too short to hold text.
    """

    def __init__(
        self,
        corpus: PretrainingCorpus,
        documents: np.ndarray,
        vocabulary: Vocabulary,
        *,
        rows: RowPlan | str,
        noise: Noise,
        sequence_length: int,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        stream: str = "train",
    ) -> None:
        self._row_plan: RowPlan = ROWS[rows]() if isinstance(rows, str) else rows
        self._noise = noise
        shortest = self._row_plan.reserved_tokens + self._row_plan.min_token_budget
        if sequence_length < shortest:
            raise InputError(
                f"sequences of {sequence_length} tokens have no room for text beside [CLS] and "
                f"each [SEP]: set --sequence_length_lm to {shortest} or more"
            )
        self._ids = np.asarray(corpus.ids)
        self._word_starts = corpus.word_starts
        self._sentence_starts: np.ndarray | None = None
        if noise.reads_sentences:
            starts = np.zeros(len(self._ids) + 1, bool)  # empty sentences may begin at the end
            starts[corpus.sentence_offsets] = True
            self._sentence_starts = starts
        self._document_starts = corpus.sentence_offsets[corpus.document_offsets[:-1]]
        self._mentioned = MentionedLabels(corpus) if corpus.labels else None
        self._documents = np.asarray(documents)
        self._vocabulary = vocabulary
        self._sequence_length = sequence_length
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._stream = stream
        self._token_budget = sequence_length - self._row_plan.reserved_tokens
        self._segments = TextSegments(corpus, self._token_budget)
        self._planned: tuple[int, Rows, list[np.ndarray]] | None = None
        segments = np.diff(self._segments.document_offsets)[self._documents]
        if reason := self._row_plan.warning(len(segments), int(segments.max(initial=0))):
            logger.warning("%s: %s", stream, reason)

    def steps(self, epoch: int) -> int:
        """The number of batches in an epoch; rows are drawn anew, so epochs may differ slightly."""
        return len(self._plan(epoch)[1])

    def examples(self, epoch: int) -> int:
        """The number of sequences in an epoch."""
        return len(self._plan(epoch)[0])

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[dict[str, np.ndarray]]:
        """The batches of an epoch from `first_step` on; the last may be smaller.

        Yields:
            `token_ids`, `segment_ids` (batch, L) int32, `padding_mask` (batch, L) bool, True for
            a token, the arrays of the row plan and of the noise and, if labels were looked for in
            the text, those of `MentionedLabels`. L is the longest sequence of the batch rounded up
            to a multiple of 32 and at most `sequence_length`.
        """
        rows, batches = self._plan(epoch)
        for step in range(first_step, len(batches)):
            batch = self._sequences(rows, batches[step])
            stream = f"{self._stream} {self._noise.stream}"
            generator = random_generator(self._seed, stream, epoch, step)
            arrays = self._noise.arrays(batch, generator)
            for name in ("word_starts", "sentence_starts"):  # for the noise alone
                batch.pop(name, None)
            yield batch | arrays

    def documents(self, epoch: int, step: int) -> np.ndarray:
        """The indices of the documents in a batch, each once, in ascending order."""
        rows, batches = self._plan(epoch)
        chosen = batches[step]
        paired = chosen[rows.b_length[chosen] > 0]
        starts = np.concatenate([rows.a_start[chosen], rows.b_start[paired]])
        return np.unique(self._documents_at(starts))

    def _documents_at(self, places: np.ndarray) -> np.ndarray:
        """The indices of the documents that have the tokens at these indices of the corpus."""
        # An empty document starts where the next one does, but is not the one.
        return np.searchsorted(self._document_starts, places, side="right") - 1

    def _plan(self, epoch: int) -> tuple[Rows, list[np.ndarray]]:
        if self._planned is None or self._planned[0] != epoch:
            drawn = f"{self._stream} {self._row_plan.stream}"
            generator = random_generator(self._seed, drawn, epoch)
            rows = self._row_plan.plan(
                self._segments, self._documents, self._token_budget, generator
            )
            order = random_generator(self._seed, f"{self._stream} order", epoch)
            batches = make_batches(
                rows.lengths,
                self._batch_size,
                order if self._shuffle else None,
                rows_together=self._row_plan.rows_together,
            )
            self._planned = (epoch, rows, batches)
        return self._planned[1:]

    def _sequences(self, rows: Rows, chosen: np.ndarray) -> dict[str, np.ndarray]:
        a_length, b_length = rows.a_length[chosen, None], rows.b_length[chosen, None]
        total = rows.lengths[chosen, None]
        length = padded_length(int(total.max()), self._sequence_length)
        column = np.arange(length)
        in_b = column > a_length + 1
        source = column + np.where(
            in_b, rows.b_start[chosen, None] - a_length - 2, rows.a_start[chosen, None] - 1
        )
        padding_mask = column < total
        separator = (column == a_length + 1) | ((column == total - 1) & (b_length > 0))
        # Reserved and padded positions index the first token and are then overwritten.
        text = padding_mask & ~separator & (column > 0)
        token_ids = self._ids[np.where(text, source, 0)]
        further = {}
        if self._word_starts is not None:
            further["word_starts"] = ~text | (self._word_starts[np.where(text, source, 0)] > 0)
        if self._sentence_starts is not None:
            further["sentence_starts"] = text & self._sentence_starts[np.where(text, source, 0)]
        token_ids[~text] = self._vocabulary.pad_id
        token_ids[separator] = self._vocabulary.sep_id
        token_ids[:, 0] = self._vocabulary.cls_id
        if self._mentioned is not None:
            first = self._documents_at(rows.a_start[chosen])
            second = self._documents_at(rows.b_start[chosen])
            further |= self._mentioned.arrays(first, np.where(b_length[:, 0], second, first))
        return {
            "token_ids": token_ids,
            "segment_ids": (in_b & padding_mask).astype(np.int32),
            "padding_mask": padding_mask,
            **{name: array[chosen] for name, array in rows.arrays.items()},
            **further,
        }
