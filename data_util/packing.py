"""Plans an epoch of pre-training: which sentences make a sequence, and which pairs are next.

References:
    Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.1 (task 2) and appendix A.2.
"""

from dataclasses import dataclass

import numpy as np

from data_util.pretraining_corpus import PretrainingCorpus


@dataclass(frozen=True, slots=True)
class Rows:
    """Sequences `[CLS] A [SEP] B [SEP]`, or `[CLS] A [SEP]` where `b_length` is 0.

    Attributes:
        a_start, a_length, b_start, b_length: (rows,) int64, slices of the corpus' ids.
        is_next: (rows,) int32, 1 where B is what follows A.
        pair_weight: (rows,) float32, 0 where there is nothing to be learned from the pair.
    """

    a_start: np.ndarray
    a_length: np.ndarray
    b_start: np.ndarray
    b_length: np.ndarray
    is_next: np.ndarray
    pair_weight: np.ndarray

    def __len__(self) -> int:
        return len(self.a_start)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens a sequence, the reserved ones included."""
        return self.a_length + self.b_length + 2 + (self.b_length > 0)


class Segments:
    """What sequences are packed from: the sentences, with those longer than `room` cut up.

    A sentence that doesn't fit is cut into pieces of equal length, at most half of the room, so
    that two of them make a pair. Nothing is dropped.

    Attributes:
        offsets: (segments + 1,) int64, into the corpus' ids.
        document_offsets: (documents + 1,) int64, into `offsets`.
    """

    def __init__(self, corpus: PretrainingCorpus, room: int) -> None:
        starts, lengths = corpus.sentence_offsets[:-1], np.diff(corpus.sentence_offsets)
        pieces = np.where(lengths > room, -(-lengths // max(1, room // 2)), 1)
        first = np.concatenate([[0], np.cumsum(pieces)])
        sentence = np.repeat(np.arange(len(lengths)), pieces)
        number = np.arange(first[-1]) - first[sentence]
        within = number * lengths[sentence] // pieces[sentence]
        self.offsets = np.append(starts[sentence] + within, corpus.sentence_offsets[-1])
        self.document_offsets = first[corpus.document_offsets]


def plan_rows(
    segments: Segments,
    documents: np.ndarray,
    room: int,
    generator: np.random.Generator,
    *,
    pairs: bool = True,
) -> Rows:
    """Packs every segment of the documents into sequences.

    A document is walked from its start: a run takes segments while they fit. With `pairs`, a run
    of two or more is split at a random place into A and B; with probability 1/2 that is the
    sequence, otherwise B is taken from another document and the walk goes on after A, so that
    nothing is lost.

    A foreign B is filled just as the true one was: up to the room that A leaves, or, where the
    document's end has cut the run short, up to the true B's length. Otherwise the length of a
    sequence would tell whether its B is the true one. For a document of two sentences, such as a
    pair of texts, it is the second of another such document, whole and of the same length: were
    it cut, or a first one, that would tell.

    All documents are walked at once, a run each at a time: numpy's work, not Python's.

    Args:
        segments: of the corpus, cut for this room.
        documents: document numbers, each once.
        room: tokens of text in a sequence.
        generator: what is drawn comes from here.
        pairs: split runs into A and B.
    """
    offsets = segments.offsets
    firsts, ends = segments.document_offsets[documents], segments.document_offsets[documents + 1]
    two_segments = np.flatnonzero(ends - firsts == 2)
    walking = np.arange(len(documents))
    position = firsts.copy()
    rows = []
    while len(walking):
        start, end = position[walking], ends[walking]
        stop = np.minimum(_last_fit(offsets, start, room), end)
        split, after = stop, stop
        b_start = b_end = offsets[stop]
        paired = (stop - start >= 2) & pairs
        true = paired
        if pairs:
            inner = np.floor(generator.random(len(walking)) * (stop - start - 1)).astype(np.int64)
            split = np.where(paired, start + 1 + inner, stop)
            b_start = offsets[split]
            if len(documents) > 1:
                true = paired & (generator.random(len(walking)) < 0.5)
                wanted = np.where(
                    stop < end, room - (offsets[split] - offsets[start]), b_end - b_start
                )
                foreign = _foreign(offsets, firsts, ends, walking, wanted, generator)
                b_start = np.where(true | ~paired, b_start, foreign[0])
                b_end = np.where(true | ~paired, b_end, foreign[1])
                of_two = np.flatnonzero(paired & ~true & (ends - firsts == 2)[walking])
                if len(of_two) and len(two_segments) > 1:
                    second = _foreign_second(
                        offsets,
                        firsts[two_segments],
                        np.searchsorted(two_segments, walking[of_two]),
                        generator,
                    )
                    b_start[of_two] = second[0]
                    left = room - (offsets[split] - offsets[start])[of_two]
                    b_end[of_two] = np.minimum(second[1], second[0] + left)
                after = np.where(true | ~paired, stop, split)
        learnable = paired & (len(documents) > 1)
        a_start, a_length = offsets[start], offsets[split] - offsets[start]
        rows.append((a_start, a_length, b_start, b_end - b_start, true, learnable))
        position[walking] = after
        walking = walking[after < end]
    a_start, a_length, b_start, b_length, is_next, learnable = (
        np.concatenate(column) for column in zip(*rows, strict=True)
    )
    return Rows(
        a_start, a_length, b_start, b_length, is_next.astype(np.int32), learnable.astype(np.float32)
    )


def _last_fit(offsets: np.ndarray, start: np.ndarray, room: np.ndarray | int) -> np.ndarray:
    """The end of the longest run of segments from `start` on that has at most `room` tokens."""
    return np.searchsorted(offsets, offsets[start] + room, side="right") - 1


def _foreign(
    offsets: np.ndarray,
    firsts: np.ndarray,
    ends: np.ndarray,
    own: np.ndarray,
    wanted: np.ndarray,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A run of segments from a random document other than `own`, from a random segment on.

    Returns:
        Start and end in the corpus' ids: at most `wanted` tokens, whole segments unless not even
        one fits.
    """
    other = generator.integers(0, len(firsts) - 1, len(own))
    other += other >= own
    first, end = firsts[other], ends[other]
    # Only starts from which the document holds enough, where there are any.
    latest = np.searchsorted(offsets, offsets[end] - wanted, side="right") - 1
    choices = np.clip(latest - first, 0, None) + 1
    start = first + np.floor(generator.random(len(own)) * choices).astype(np.int64)
    stop = np.minimum(_last_fit(offsets, start, wanted), end)
    b_start = offsets[start]
    return b_start, np.where(stop > start, offsets[stop], b_start + wanted)


def _foreign_second(
    offsets: np.ndarray, firsts: np.ndarray, own: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The second segment of another document of two.

    Args:
        offsets: of the segments.
        firsts: (documents,) the first segment of each document of two; there are several.
        own: places in `firsts` of the documents that another is wanted for.
        generator: draws it from those whose second segment is as long as the own one, or, where
            there are none, from the next shorter and the next longer.

    Returns:
        Start and end in the corpus' ids.
    """
    all_lengths = offsets[firsts + 2] - offsets[firsts + 1]
    order = np.argsort(all_lengths, kind="stable")
    lengths = all_lengths[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    low = np.searchsorted(lengths, all_lengths[own], side="left")
    high = np.searchsorted(lengths, all_lengths[own], side="right")
    alone = high - low == 1
    low, high = np.maximum(low - alone, 0), np.minimum(high + alone, len(order))
    chosen = low + np.floor(generator.random(len(own)) * (high - low - 1)).astype(np.int64)
    chosen += chosen >= place[own]
    segment = firsts[order[chosen]] + 1
    return offsets[segment], offsets[segment + 1]
