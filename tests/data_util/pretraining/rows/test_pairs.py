import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_util.pretraining.rows.pairs import (
    EXCHANGED,
    NEXT,
    NEXT_SENTENCE,
    OTHER,
    SENTENCE_ORDER,
    STRUCTBERT,
    PairRows,
)
from data_util.pretraining.segments import TextSegments
from tests.data_util.pretraining.corpora import (
    document_of,
    documents_of_sentence_lengths,
    equal_documents,
    make_corpus,
    token_uses,
)

ALL_SHARES = (NEXT_SENTENCE, SENTENCE_ORDER, STRUCTBERT, (0.7, 0.3, 0.0), (1.0, 0.0, 0.0))


def plan(corpus, documents, token_budget, seed=0, shares=NEXT_SENTENCE):
    """The rows of so many documents, or of those with these numbers."""
    documents = np.arange(documents) if isinstance(documents, int) else np.asarray(documents)
    segments = TextSegments(corpus, token_budget)
    generator = np.random.default_rng(seed)
    return PairRows(shares).plan(segments, documents, token_budget, generator)


@settings(max_examples=200)
@given(
    documents_of_sentence_lengths,
    st.integers(2, 60),
    st.integers(0, 99),
    st.sampled_from(ALL_SHARES),
)
def test_rows_of_any_corpus(documents, token_budget, seed, shares) -> None:
    corpus = make_corpus(documents)
    segments = TextSegments(corpus, token_budget)
    chosen = np.arange(0, len(documents), 2)
    rows = plan(corpus, chosen, token_budget, seed, shares)
    a_end, b_end = rows.a_start + rows.a_length, rows.b_start + rows.b_length
    paired, kind = rows.b_length > 0, rows.arrays["pair_kind"]
    assert (kind.dtype, rows.arrays["pair_weights"].dtype) == (np.int32, np.float32)
    next_, exchanged, other = (paired & (kind == k) for k in (NEXT, EXCHANGED, OTHER))
    assert not kind[~paired].any()

    # Every token of the documents, and of no others, is once in an A, or in a B of the same text.
    own = next_ | exchanged
    uses = token_uses(corpus, rows.a_start, rows.a_length)
    uses += token_uses(corpus, rows.b_start[own], rows.b_length[own])
    expected = np.isin(document_of(corpus, np.arange(len(corpus.ids))), chosen)
    np.testing.assert_array_equal(uses, expected)
    for document in chosen:
        starts = rows.a_start[document_of(corpus, rows.a_start) == document]
        assert np.all(np.diff(starts) > 0)

    assert np.all(rows.a_length > 0) and np.all(rows.a_length + rows.b_length <= token_budget)
    assert np.all(np.isin(rows.a_start, segments.offsets) & np.isin(a_end, segments.offsets))
    a_document, b_document = (document_of(corpus, x) for x in (rows.a_start, rows.b_start))
    np.testing.assert_array_equal(document_of(corpus, a_end - 1), a_document)
    np.testing.assert_array_equal(document_of(corpus, b_end[paired] - 1), b_document[paired])

    np.testing.assert_array_equal(rows.b_start[next_], a_end[next_])
    np.testing.assert_array_equal(b_end[exchanged], rows.a_start[exchanged])
    np.testing.assert_array_equal(b_document[own], a_document[own])
    assert np.all(b_document[other] != a_document[other])
    assert np.all(np.isin(b_document[other], chosen))
    assert np.all(np.isin(rows.b_start[other], segments.offsets))

    learnable = paired & (len(chosen) > 1 or not shares[OTHER])
    np.testing.assert_array_equal(rows.arrays["pair_weights"], learnable.astype(np.float32))


@pytest.mark.parametrize("shares", ALL_SHARES)
def test_the_shares_of_the_kinds(shares) -> None:
    rows = plan(equal_documents(3000), 3000, 50, shares=shares)
    kinds = rows.arrays["pair_kind"][rows.arrays["pair_weights"] > 0]
    assert len(kinds) > 5000
    for kind, share in enumerate(shares):
        count = int((kinds == kind).sum())
        if share in (0, 1):
            assert count == share * len(kinds)
        else:
            deviation = np.sqrt(len(kinds) * share * (1 - share))
            assert abs(count - share * len(kinds)) < 5 * deviation


@pytest.mark.parametrize("shares", ALL_SHARES)
def test_the_shares_within_one_epoch_and_over_seeds(shares) -> None:
    """Of a few pairs, over many seeds: the kind of a given pair is drawn, not fixed."""
    corpus = make_corpus([[3, 4], [5, 6]])
    kinds = [plan(corpus, 2, 20, seed, shares).arrays["pair_kind"][0] for seed in range(500)]
    counts = np.bincount(kinds, minlength=3)
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - 500 * share) <= 5 * np.sqrt(500 * share * (1 - share))


def first_row(shares, seed=0):
    """A and B of the first document, as (first token, token after the last one).

    Its sentences are tokens 0-2 and 3-6; those of the other one, 7-10 and 11-14.
    """
    rows = plan(make_corpus([[3, 4], [4, 4]]), 2, 20, seed, shares)
    (row,) = np.flatnonzero((rows.a_start < 7) & (rows.b_length > 0))[:1]
    a, b = int(rows.a_start[row]), int(rows.b_start[row])
    return (
        int(rows.arrays["pair_kind"][row]),
        (a, a + int(rows.a_length[row])),
        (b, b + int(rows.b_length[row])),
    )


def test_each_kind_by_hand() -> None:
    assert first_row((0.0, 1.0, 0.0)) == (NEXT, (0, 3), (3, 7))
    assert first_row((0.0, 0.0, 1.0)) == (EXCHANGED, (3, 7), (0, 3))
    assert first_row((1.0, 0.0, 0.0)) == (OTHER, (0, 3), (11, 15))


def test_the_text_after_a_foreign_b_continues_with_the_true_one() -> None:
    rows = plan(make_corpus([[3, 4], [4, 4]]), 2, 20, shares=(1.0, 0.0, 0.0))
    slices = sorted(zip(rows.a_start.tolist(), rows.a_length.tolist(), strict=True))
    assert slices == [(0, 3), (3, 4), (7, 4), (11, 4)]
    # The last sentence of a document cannot be split: it has no B, and nothing is learned of it.
    without = rows.b_length == 0
    assert rows.a_start[without].tolist() == [3, 11]
    assert rows.arrays["pair_weights"].tolist() == (~without).astype(float).tolist()


@pytest.mark.parametrize("shares", [SENTENCE_ORDER, STRUCTBERT])
def test_a_run_that_cannot_be_split_has_no_b_and_no_weight(shares) -> None:
    rows = plan(make_corpus([[9], [8], [7, 9]]), 3, 10, shares=shares)
    assert not rows.b_length.any() and not rows.arrays["pair_weights"].any()
    assert sorted(rows.a_length.tolist()) == [7, 8, 9, 9]


def test_the_order_can_be_learned_of_one_document_but_not_what_is_another() -> None:
    corpus = equal_documents(1)
    for shares in ALL_SHARES:
        rows = plan(corpus, 1, 50, shares=shares)
        assert (rows.b_length > 0).any()
        assert rows.arrays["pair_weights"].any() == (shares == SENTENCE_ORDER)
        warning = PairRows(shares).warning(1)
        assert (warning is None) == (shares == SENTENCE_ORDER)
        assert PairRows(shares).warning(2) is None


def test_documents_of_a_single_sentence_have_no_pairs() -> None:
    for shares in ALL_SHARES:
        assert "single sentence" in (PairRows(shares).warning(100, most_segments=1) or "")
        assert PairRows(shares).warning(100, most_segments=2) is None


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5), (0.5, 0.5, 0.5), (-0.5, 1.0, 0.5), (0.0, 0.0, 0.0), (float("nan"),) * 3]
)
def test_shares_that_are_none(shares) -> None:
    with pytest.raises(ValueError, match="other, next and exchanged"):
        PairRows(shares)


def test_the_split_is_at_any_place() -> None:
    corpus = equal_documents(3000, sentences=5, length=1)
    rows = plan(corpus, 3000, 20, seed=0)
    whole = rows.a_start % 5 == 0
    counts = np.bincount(rows.a_length[whole], minlength=5)[1:]
    assert np.all(np.abs(counts - 750) < 5 * np.sqrt(3000 * 0.25 * 0.75))


def test_the_length_does_not_tell_whether_the_pair_is_next() -> None:
    """Documents that end before the room does: a foreign B is no longer than the true one."""
    corpus = equal_documents(4000, sentences=8)
    rows = plan(corpus, 4000, 100, seed=0)
    paired = rows.arrays["pair_weights"] > 0
    length = (rows.a_length + rows.b_length)[paired]
    is_next = rows.arrays["pair_kind"][paired] == NEXT
    error = length.std() * np.sqrt(4 / paired.sum())
    assert abs(length[is_next].mean() - length[~is_next].mean()) < 5 * error


def test_a_foreign_sentence_longer_than_what_is_left_is_cut() -> None:
    corpus = make_corpus([[1, 1, 1, 1]] * 50 + [[90]] * 50)
    rows = plan(corpus, 100, 100, seed=0)
    foreign = (rows.b_length > 0) & (rows.arrays["pair_kind"] == OTHER) & (rows.b_start >= 200)
    assert foreign.any()
    assert rows.b_length[foreign].max() <= 3


def test_two_epochs_have_other_pairs() -> None:
    corpus = equal_documents()
    first, second = (plan(corpus, 300, 50, seed=seed) for seed in (0, 1))
    first_pairs = set(zip(first.a_start, first.a_length, first.b_start, strict=True))
    second_pairs = set(zip(second.a_start, second.a_length, second.b_start, strict=True))
    assert len(first_pairs & second_pairs) < 0.5 * len(first_pairs)


def test_of_two_sentences_a_foreign_second_is_whole_and_of_the_same_length() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 12, (2000, 2))
    corpus = make_corpus(lengths.tolist())
    rows = plan(corpus, 2000, 30, seed=1)
    paired = rows.b_length > 0
    assert paired.sum() == 2000
    foreign = paired & (rows.arrays["pair_kind"] == OTHER)
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
        rows = plan(corpus, 3, 10, seed=seed)
        for row in np.flatnonzero((rows.b_length > 0) & (rows.arrays["pair_kind"] == OTHER)):
            seen.add(
                tuple(int(x) for x in (rows.a_start[row], rows.b_start[row], rows.b_length[row]))
            )
    # Texts begin at 0, 5 | 7, 12 | 16, 18.
    assert seen == {(0, 12, 4), (7, 5, 2), (7, 18, 5), (16, 12, 4)}


def test_one_document_of_two_sentences_takes_its_foreign_text_elsewhere() -> None:
    corpus = make_corpus([[3, 3], [1, 2, 3, 4]])
    rows = [plan(corpus, 2, 20, seed=seed) for seed in range(20)]
    starts = {
        int(start)
        for row in rows
        for start, a, kind in zip(row.b_start, row.a_start, row.arrays["pair_kind"], strict=True)
        if a == 0 and kind == OTHER
    }
    assert starts and all(start >= 6 for start in starts)
