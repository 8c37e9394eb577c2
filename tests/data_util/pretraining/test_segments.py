from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_util.pretraining.segments import TextSegments
from tests.data_util.pretraining.corpora import documents_of_sentence_lengths, make_corpus


@given(documents_of_sentence_lengths, st.integers(2, 30))
def test_segments_are_the_sentences_and_pieces_of_those_that_do_not_fit(
    documents, token_budget
) -> None:
    corpus = make_corpus(documents)
    segments = TextSegments(corpus, token_budget)
    offsets = segments.offsets
    assert offsets[0] == 0 and offsets[-1] == len(corpus.ids)
    assert np.all(np.diff(offsets) > 0)
    assert np.all(np.diff(offsets) <= token_budget)
    for start, end in pairwise(corpus.sentence_offsets):
        pieces = np.diff(offsets[(offsets >= start) & (offsets <= end)])
        assert pieces.sum() == end - start
        assert (len(pieces) == 1) == (end - start <= token_budget)
        assert pieces.max() - pieces.min() <= 1
    np.testing.assert_array_equal(
        offsets[segments.document_offsets], corpus.sentence_offsets[corpus.document_offsets]
    )


def test_runs_take_whole_segments_while_they_fit() -> None:
    segments = TextSegments(make_corpus([[4, 4, 3, 5, 9, 1]]), 11)
    starts = np.arange(6)
    ends = segments.run_ends(starts, np.full(6, 6), 11)
    assert ends.tolist() == [3, 3, 4, 4, 6, 6]
    assert segments.run_ends(starts, np.full(6, 2), 11)[:2].tolist() == [2, 2]
    # One budget for each run; where not even one segment fits, the run is empty.
    assert segments.run_ends(starts[:3], np.full(3, 6), np.array([3, 4, 8])).tolist() == [0, 2, 4]
