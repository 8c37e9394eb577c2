"""Corpora of given sentence lengths, whose token ids tell where a token stands."""

import numpy as np
from hypothesis import strategies as st

from data_util.pretraining.corpus import PretrainingCorpus

documents_of_sentence_lengths = st.lists(
    st.lists(st.integers(1, 40), min_size=1, max_size=12), min_size=1, max_size=8
)


def make_corpus(documents, first_id=0):
    """A corpus with these sentence lengths; the ids rise by one from token to token."""
    lengths = [length for document in documents for length in document]
    return PretrainingCorpus(
        np.arange(first_id, first_id + sum(lengths), dtype=np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([[0], np.cumsum([len(document) for document in documents])]),
    )


def equal_documents(documents=300, sentences=20, length=5):
    """Documents that differ in nothing but their ids."""
    return make_corpus([[length] * sentences] * documents)


def document_of(corpus, position):
    """The number of the document that has the token at this position."""
    starts = corpus.sentence_offsets[corpus.document_offsets]
    return np.searchsorted(starts, position, side="right") - 1


def token_uses(corpus, starts, lengths):
    """How many of these slices each token of the corpus is in."""
    uses = np.zeros(len(corpus.ids), int)
    for start, length in zip(starts, lengths, strict=True):
        uses[start : start + length] += 1
    return uses
