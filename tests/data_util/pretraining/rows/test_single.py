import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_util.pretraining.rows.single import SingleRows
from data_util.pretraining.segments import TextSegments
from tests.data_util.pretraining.corpora import (
    document_of,
    documents_of_sentence_lengths,
    make_corpus,
    token_uses,
)


def plan(corpus, documents, token_budget):
    segments = TextSegments(corpus, token_budget)
    generator = np.random.default_rng(0)
    rows = SingleRows().plan(segments, np.asarray(documents), token_budget, generator)
    assert generator.random() == np.random.default_rng(0).random()  # nothing was drawn
    return rows


@given(documents_of_sentence_lengths, st.integers(1, 60))
def test_every_token_is_in_one_row(documents, token_budget) -> None:
    corpus = make_corpus(documents)
    chosen = np.arange(0, len(documents), 2)
    rows = plan(corpus, chosen, token_budget)
    wanted = np.isin(document_of(corpus, np.arange(len(corpus.ids))), chosen)
    np.testing.assert_array_equal(token_uses(corpus, rows.a_start, rows.a_length), wanted)
    assert np.all(rows.a_length > 0) and np.all(rows.a_length <= token_budget)
    assert not rows.b_length.any() and not rows.arrays
    a_end = rows.a_start + rows.a_length
    np.testing.assert_array_equal(document_of(corpus, rows.a_start), document_of(corpus, a_end - 1))
    assert np.all(np.isin(a_end, TextSegments(corpus, token_budget).offsets))
    np.testing.assert_array_equal(rows.lengths, rows.a_length + 2)


def test_runs_are_filled_greedily() -> None:
    rows = plan(make_corpus([[4, 4, 3, 5, 9, 1]]), [0], 11)
    assert rows.a_length.tolist() == [11, 5, 10]
