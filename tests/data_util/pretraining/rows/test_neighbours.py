import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.noise.none import NoNoise
from data_util.pretraining.rows.neighbours import NeighbourRows
from data_util.pretraining.segments import TextSegments
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests.data_util.pretraining.corpora import (
    document_of,
    documents_of_sentence_lengths,
    make_corpus,
    token_uses,
)


def plan(corpus, documents, token_budget, seed=0):
    segments = TextSegments(corpus, token_budget)
    generator = np.random.default_rng(seed)
    return NeighbourRows().plan(segments, np.asarray(documents), token_budget, generator)


@given(documents_of_sentence_lengths, st.integers(1, 60))
def test_every_token_is_in_one_row_and_neighbours_touch(documents, token_budget) -> None:
    corpus = make_corpus(documents)
    chosen = np.arange(0, len(documents), 2)
    rows = plan(corpus, chosen, token_budget)
    wanted = np.isin(document_of(corpus, np.arange(len(corpus.ids))), chosen)
    np.testing.assert_array_equal(token_uses(corpus, rows.a_start, rows.a_length), wanted)
    assert np.all(rows.a_length > 0) and np.all(rows.a_length <= token_budget)
    assert not rows.b_length.any()
    end = rows.a_start + rows.a_length
    assert np.all(np.isin(end, TextSegments(corpus, token_budget).offsets))
    np.testing.assert_array_equal(document_of(corpus, rows.a_start), document_of(corpus, end - 1))
    offset, weight = rows.arrays["neighbour_offset"], rows.arrays["neighbour_weights"]
    count = int(weight.sum())
    assert count % 2 == 0 and weight[:count].all() and not offset[count:].any()
    assert offset[:count].tolist() == [1, -1] * (count // 2)
    np.testing.assert_array_equal(end[:count:2], rows.a_start[1:count:2])
    documents = document_of(corpus, rows.a_start)
    np.testing.assert_array_equal(documents[:count:2], documents[1:count:2])
    # Only a single segment has no neighbour.
    segments = TextSegments(corpus, token_budget).offsets
    alone = slice(count, None)
    number = np.searchsorted(segments, end[alone]) - np.searchsorted(segments, rows.a_start[alone])
    assert np.all(number == 1)


def test_by_hand() -> None:
    # 9 is left at the end, and 6 is a document of its own: they have no neighbour.
    rows = plan(make_corpus([[4, 4, 3, 5, 7, 8, 9], [6]]), [0, 1], 11)
    assert rows.a_length.tolist() == [11, 5, 7, 8, 6, 9]
    assert rows.arrays["neighbour_weights"].tolist() == [1, 1, 1, 1, 0, 0]


def test_a_rest_is_split_at_any_sentence() -> None:
    splits = {tuple(plan(make_corpus([[2, 3, 4]]), [0], 9, seed).a_length) for seed in range(20)}
    assert splits == {(2, 7), (5, 4)}


def test_neighbours_are_beside_each_other_in_the_batch() -> None:
    corpus = make_corpus([[3, 9, 5, 2], [8], [7], [6], *[[5, 4, 8]] * 20])
    vocabulary = Vocabulary([*RESERVED, *(f"t{number}" for number in range(len(corpus.ids)))])
    corpus.ids[:] += 5
    batches = PretrainingBatches(
        corpus,
        np.arange(len(corpus)),
        vocabulary,
        rows="neighbours",
        noise=NoNoise(vocabulary),
        sequence_length=16,
        batch_size=5,
        seed=1,
    )
    pairs = 0
    for batch in batches.batches(0):
        assert len(batch["token_ids"]) <= 4
        lengths = batch["padding_mask"].sum(1)
        for row in np.flatnonzero(batch["neighbour_offset"] == 1):
            assert batch["neighbour_offset"][row + 1] == -1
            last = batch["token_ids"][row, lengths[row] - 2]
            assert batch["token_ids"][row + 1, 1] == last + 1
            pairs += 1
    assert pairs == 21
