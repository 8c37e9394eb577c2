from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_util.packing import Segments, plan_rows
from data_util.pretraining_corpus import PretrainingCorpus

documents_of_sentence_lengths = st.lists(
    st.lists(st.integers(1, 40), min_size=1, max_size=12), min_size=1, max_size=8
)


def make_corpus(documents):
    """A corpus with these sentence lengths, in which every token's id is its place."""
    lengths = [length for document in documents for length in document]
    return PretrainingCorpus(
        np.arange(sum(lengths), dtype=np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([[0], np.cumsum([len(document) for document in documents])]),
    )


def equal_documents(documents=300, sentences=20, length=5):
    return make_corpus([[length] * sentences] * documents)


def document_of(corpus, place):
    starts = corpus.sentence_offsets[corpus.document_offsets]
    return np.searchsorted(starts, place, side="right") - 1


@given(documents_of_sentence_lengths, st.integers(2, 30))
def test_segments_are_the_sentences_and_pieces_of_those_that_do_not_fit(documents, room) -> None:
    corpus = make_corpus(documents)
    segments = Segments(corpus, room)
    offsets = segments.offsets
    assert offsets[0] == 0 and offsets[-1] == len(corpus.ids)
    assert np.all(np.diff(offsets) > 0)
    assert np.all(np.diff(offsets) <= room)
    for start, end in pairwise(corpus.sentence_offsets):
        pieces = np.diff(offsets[(offsets >= start) & (offsets <= end)])
        assert pieces.sum() == end - start
        assert (len(pieces) == 1) == (end - start <= room)
        assert pieces.max() - pieces.min() <= 1
    np.testing.assert_array_equal(
        offsets[segments.document_offsets], corpus.sentence_offsets[corpus.document_offsets]
    )


@settings(max_examples=200, deadline=None)
@given(documents_of_sentence_lengths, st.integers(2, 60), st.integers(0, 99), st.booleans())
def test_rows_of_any_corpus(documents, room, seed, pairs) -> None:
    corpus = make_corpus(documents)
    segments = Segments(corpus, room)
    chosen = np.arange(0, len(documents), 2)
    rows = plan_rows(segments, chosen, room, np.random.default_rng(seed), pairs=pairs)
    a_end = rows.a_start + rows.a_length
    follows = (rows.b_start == a_end) & (rows.is_next == 1)
    foreign = (rows.b_length > 0) & (rows.is_next == 0)

    # Every token of the documents, and of no others, is once in an A or in a B that follows its A.
    used = np.zeros(len(corpus.ids), int)
    for start, length in zip(rows.a_start, rows.a_length, strict=True):
        used[start : start + length] += 1
    for start, length in zip(rows.b_start[follows], rows.b_length[follows], strict=True):
        used[start : start + length] += 1
    expected = np.isin(document_of(corpus, np.arange(len(corpus.ids))), chosen)
    np.testing.assert_array_equal(used, expected)
    for document in chosen:
        assert np.all(np.diff(rows.a_start[document_of(corpus, rows.a_start) == document]) > 0)

    assert np.all(rows.a_length > 0)
    assert np.all(rows.a_length + rows.b_length <= room)
    assert np.all(np.isin(rows.a_start, segments.offsets) & np.isin(a_end, segments.offsets))
    a_document = document_of(corpus, rows.a_start)
    assert np.all(document_of(corpus, a_end - 1) == a_document)

    assert np.all(follows == (rows.is_next == 1))
    assert np.all(rows.b_length[follows] > 0)
    b_end = rows.b_start + rows.b_length
    assert np.all(document_of(corpus, b_end[follows] - 1) == a_document[follows])

    b_document = document_of(corpus, rows.b_start[foreign])
    assert np.all(b_document != a_document[foreign])
    assert np.all(np.isin(b_document, chosen))
    assert np.all(document_of(corpus, b_end[foreign] - 1) == b_document)
    assert np.all(np.isin(rows.b_start[foreign], segments.offsets))

    weighted = (rows.b_length > 0) & (len(chosen) > 1)
    np.testing.assert_array_equal(rows.pair_weight, weighted.astype(np.float32))
    if not pairs:
        assert not rows.b_length.any()


def test_runs_are_filled_greedily() -> None:
    corpus = make_corpus([[4, 4, 3, 5, 9, 1]])
    rows = plan_rows(Segments(corpus, 11), np.array([0]), 11, np.random.default_rng(0), pairs=False)
    assert rows.a_length.tolist() == [11, 5, 10]


def test_half_of_the_pairs_are_next() -> None:
    corpus = equal_documents(3000)
    rows = plan_rows(Segments(corpus, 50), np.arange(3000), 50, np.random.default_rng(0))
    count = rows.pair_weight.sum()
    assert count > 5000
    assert abs(rows.is_next.sum() - count / 2) < 5 * np.sqrt(count) / 2


def test_the_split_is_at_any_place() -> None:
    corpus = equal_documents(3000, sentences=5, length=1)
    rows = plan_rows(Segments(corpus, 20), np.arange(3000), 20, np.random.default_rng(0))
    whole = rows.a_start % 5 == 0
    counts = np.bincount(rows.a_length[whole], minlength=5)[1:]
    assert np.all(np.abs(counts - 750) < 5 * np.sqrt(3000 * 0.25 * 0.75))


def test_the_length_does_not_tell_whether_the_pair_is_next() -> None:
    """Documents that end before the room does: a foreign B is no longer than the true one."""
    corpus = equal_documents(4000, sentences=8)
    rows = plan_rows(Segments(corpus, 100), np.arange(4000), 100, np.random.default_rng(0))
    paired = rows.pair_weight > 0
    length = (rows.a_length + rows.b_length)[paired]
    is_next = rows.is_next[paired] == 1
    error = length.std() * np.sqrt(4 / paired.sum())
    assert abs(length[is_next].mean() - length[~is_next].mean()) < 5 * error


def test_a_foreign_sentence_longer_than_what_is_left_is_cut() -> None:
    corpus = make_corpus([[1, 1, 1, 1]] * 50 + [[90]] * 50)
    rows = plan_rows(Segments(corpus, 100), np.arange(100), 100, np.random.default_rng(0))
    foreign = (rows.b_length > 0) & (rows.is_next == 0) & (rows.b_start >= 200)
    assert foreign.any()
    assert rows.b_length[foreign].max() <= 3


def test_two_epochs_have_other_pairs() -> None:
    corpus = equal_documents()
    first, second = (
        plan_rows(Segments(corpus, 50), np.arange(300), 50, np.random.default_rng(seed))
        for seed in (0, 1)
    )
    first_pairs = set(zip(first.a_start, first.a_length, first.b_start, strict=True))
    second_pairs = set(zip(second.a_start, second.a_length, second.b_start, strict=True))
    assert len(first_pairs & second_pairs) < 0.5 * len(first_pairs)


def test_of_two_sentences_a_foreign_second_is_whole_and_of_the_same_length() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 12, (2000, 2))
    corpus = make_corpus(lengths.tolist())
    rows = plan_rows(Segments(corpus, 30), np.arange(2000), 30, np.random.default_rng(1))
    paired = rows.b_length > 0
    assert paired.sum() == 2000
    foreign = paired & (rows.is_next == 0)
    assert abs(foreign.sum() - 1000) < 5 * np.sqrt(2000) / 2
    sentence = np.searchsorted(corpus.sentence_offsets, rows.b_start[paired])
    assert np.all(sentence % 2 == 1)
    np.testing.assert_array_equal(rows.b_length[paired], lengths[sentence // 2, 1])
    own = document_of(corpus, rows.a_start[foreign])
    assert np.all(document_of(corpus, rows.b_start[foreign]) != own)
    np.testing.assert_array_equal(rows.b_length[foreign], lengths[own, 1])
    # Not always the same one.
    assert len(set(rows.b_start[foreign])) > 500


def test_without_a_second_of_the_same_length_the_nearest_is_taken_and_cut_to_the_room() -> None:
    corpus = make_corpus([[5, 2], [5, 4], [2, 8]])
    seen = set()
    for seed in range(60):
        rows = plan_rows(Segments(corpus, 10), np.arange(3), 10, np.random.default_rng(seed))
        for row in np.flatnonzero((rows.b_length > 0) & (rows.is_next == 0)):
            seen.add(
                tuple(int(x) for x in (rows.a_start[row], rows.b_start[row], rows.b_length[row]))
            )
    # Texts begin at 0, 5 | 7, 12 | 16, 18.
    assert seen == {(0, 12, 4), (7, 5, 2), (7, 18, 5), (16, 12, 4)}


def test_one_document_of_two_sentences_takes_its_foreign_text_elsewhere() -> None:
    corpus = make_corpus([[3, 3], [1, 2, 3, 4]])
    rows = [
        plan_rows(Segments(corpus, 20), np.arange(2), 20, np.random.default_rng(seed))
        for seed in range(20)
    ]
    starts = {
        int(start)
        for row in rows
        for start, a, next_ in zip(row.b_start, row.a_start, row.is_next, strict=True)
        if a == 0 and not next_
    }
    assert starts and all(start >= 6 for start in starts)
