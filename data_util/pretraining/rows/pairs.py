"""Sequences of two segments: adjacent, exchanged, or from two documents.

References:
    Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", section 3.1 (task 2) and appendix A.2.
    Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language
    Representations", section 3.1 (sentence order).
    Wang et al. 2020, "StructBERT: Incorporating Language Structures into Pre-training for Deep
    Language Understanding", section 2.3 (all three kinds).
"""

import math
from typing import ClassVar

import numpy as np

from data_util.pretraining.rows.base import RowPlan, Rows
from data_util.pretraining.rows.other_documents import OtherDocuments
from data_util.pretraining.segments import TextSegments

# The kinds of a pair.
OTHER, NEXT, EXCHANGED = range(3)

# The probability of each kind, in that order.
NEXT_SENTENCE = (1 / 2, 1 / 2, 0.0)
SENTENCE_ORDER = (0.0, 1 / 2, 1 / 2)
STRUCTBERT = (1 / 3, 1 / 3, 1 / 3)


class PairRows(RowPlan):
    """`[CLS] A [SEP] B [SEP]`, and the kind of each pair.

    Each document is read from its start: a run takes segments while they fit. A run of two or more
    is split at a random point into A and B, and the kind of the pair is drawn:

    - next: A and B stay as they are.
    - exchanged: A and B are swapped.
    - other: B is taken from another document, and reading continues after A, so that no text is
      lost.

    A foreign B is filled as the true one was: up to the space that A leaves, or, if the document's
    end cut the run short, up to the true B's length. Otherwise the length of a sequence would
    reveal whether its B is the true one. For a document of two sentences, such as a pair of texts,
    it is the second sentence of another such document, whole and of the same length: a truncated
    one, or a first one, would reveal it.

    A run that cannot be split has no B and weight 0. If there is only one document, and others are
    needed, all pairs have weight 0.

    The arrays are `pair_kind` (rows,) int32, one of `OTHER`, `NEXT` and `EXCHANGED`, and
    `pair_weights` (rows,) float32, 1 if the kind can be learned.

    Args:
        shares: the fractions of pairs that are other, next and exchanged; their sum is 1.
    """

    stream: ClassVar[str] = "pairs"
    reserved_tokens: ClassVar[int] = 3
    min_token_budget: ClassVar[int] = 2

    def __init__(self, shares: tuple[float, float, float] = NEXT_SENTENCE) -> None:
        if len(shares) != 3 or min(shares) < 0 or not math.isclose(sum(shares), 1):
            raise ValueError(
                "the shares of pairs that are other, next and exchanged must be 0 or more, with "
                f"the sum 1. Received: {shares}"
            )
        self.shares = tuple(shares)

    def plan(
        self,
        segments: TextSegments,
        documents: np.ndarray,
        token_budget: int,
        generator: np.random.Generator,
    ) -> Rows:
        """See `RowPlan.plan`."""
        offsets = segments.offsets
        position = segments.document_offsets[documents]
        ends = segments.document_offsets[documents + 1]
        others = OtherDocuments(segments, documents, generator)
        learnable = self.warning(len(documents)) is None
        walking = np.arange(len(documents))
        rows = []
        # All documents advance together, one run of each at a time: in NumPy, not in Python.
        while len(walking):
            start, end = position[walking], ends[walking]
            stop = segments.run_ends(start, end, token_budget)
            paired = stop - start >= 2
            inner = np.floor(generator.random(len(walking)) * (stop - start - 1)).astype(np.int64)
            split = np.where(paired, start + 1 + inner, stop)
            after = stop
            a_start, a_end = offsets[start], offsets[split]
            b_start, b_end = offsets[split], offsets[stop]
            kind = np.full(len(walking), NEXT)
            if learnable:
                kind = self._draw_kinds(generator, len(walking))
            if learnable and self.shares[OTHER]:
                foreign = paired & (kind == OTHER)
                room = token_budget - (a_end - a_start)
                wanted = np.where(stop < end, room, b_end - b_start)
                other_start, other_end = others.draw(walking, wanted, room, foreign)
                b_start = np.where(foreign, other_start, b_start)
                b_end = np.where(foreign, other_end, b_end)
                after = np.where(foreign, split, stop)
            exchanged = paired & (kind == EXCHANGED)
            a_start, b_start = _exchange(a_start, b_start, exchanged)
            a_end, b_end = _exchange(a_end, b_end, exchanged)
            kind = np.where(paired, kind, OTHER)
            weight = paired & learnable
            rows.append((a_start, a_end - a_start, b_start, b_end - b_start, kind, weight))
            position[walking] = after
            walking = walking[after < end]
        a_start, a_length, b_start, b_length, kind, weight = (
            np.concatenate(column) for column in zip(*rows, strict=True)
        )
        arrays = {
            "pair_kind": kind.astype(np.int32),
            "pair_weights": weight.astype(np.float32),
        }
        return Rows(a_start, a_length, b_start, b_length, arrays)

    def warning(self, num_documents: int, most_segments: int = 2) -> str | None:
        """See `RowPlan.warning`: a pair needs two sentences, and a wrong one another document."""
        if most_segments < 2:
            return (
                "every document is a single sentence, so nothing is learned from sentence pairs, "
                "and they have no metrics. If lines belong together: a blank line between "
                "documents, and --line_unit=sentence"
            )
        if num_documents > 1 or not self.shares[OTHER]:
            return None
        return (
            "only one document: there is no sentence of another document to tell a next sentence "
            "from, so nothing is learned from sentence pairs"
        )

    def _draw_kinds(self, generator: np.random.Generator, count: int) -> np.ndarray:
        draw = generator.random(count)
        other, following, exchanged = self.shares
        same_text = following + exchanged if other else 1.0
        return np.where(draw < following, NEXT, np.where(draw < same_text, EXCHANGED, OTHER))


def _exchange(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(where, b, a), np.where(where, a, b)
