import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.inputs import (
    documents_to_inputs,
    pairs_to_inputs,
    rows_to_inputs,
    token_budget,
    truncated_lengths,
)
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(100))])
PAD, UNK, CLS, SEP, MASK = range(5)

id_lists = st.lists(st.integers(5, 104), max_size=40)


@given(
    st.lists(st.lists(st.integers(5, 104), max_size=50), min_size=1, max_size=5),
    st.integers(3, 70),
)
def test_packing(documents, sequence_length) -> None:
    arrays = [np.array(document, np.int32) for document in documents]
    inputs = documents_to_inputs(arrays, VOCABULARY, sequence_length)
    rows = [[CLS, *document[: sequence_length - 2], SEP] for document in documents]
    length = inputs["token_ids"].shape[1]
    longest = max(map(len, rows))
    assert longest <= length <= sequence_length and length < longest + 32
    assert length == sequence_length or length % 32 == 0
    assert inputs["token_ids"].tolist() == [row + [PAD] * (length - len(row)) for row in rows]
    assert inputs["padding_mask"].sum(1).tolist() == [len(row) for row in rows]
    np.testing.assert_array_equal(inputs["padding_mask"], inputs["token_ids"] != PAD)
    assert inputs["segment_ids"].shape == (len(rows), length) and not inputs["segment_ids"].any()
    assert [array.dtype.name for array in inputs.values()] == ["int32", "int32", "bool"]


def test_no_room_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="--sequence_length"):
        documents_to_inputs([np.array([5])], VOCABULARY, 2)


def test_pairs_token_by_token() -> None:
    pairs = [([11, 12], [21, 22, 23]), ([11], []), ([11, 12, 13, 14, 15], [21, 22])]
    inputs = pairs_to_inputs(
        [tuple(np.array(ids, np.int32) for ids in p) for p in pairs], VOCABULARY, 8
    )
    assert inputs["token_ids"].tolist() == [
        [CLS, 11, 12, SEP, 21, 22, 23, SEP],
        [CLS, 11, SEP, SEP, PAD, PAD, PAD, PAD],
        [CLS, 11, 12, 13, SEP, 21, 22, SEP],
    ]
    assert inputs["segment_ids"].tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 1, 1],
    ]
    assert inputs["padding_mask"].sum(1).tolist() == [8, 4, 8]
    np.testing.assert_array_equal(inputs["padding_mask"], inputs["token_ids"] != PAD)
    assert [array.dtype.name for array in inputs.values()] == ["int32", "int32", "bool"]


@given(st.lists(st.tuples(id_lists, id_lists), min_size=1, max_size=4), st.integers(5, 80))
def test_packing_of_pairs(pairs, sequence_length) -> None:
    arrays = [tuple(np.array(ids, np.int32) for ids in pair) for pair in pairs]
    inputs = pairs_to_inputs(arrays, VOCABULARY, sequence_length)
    length = inputs["token_ids"].shape[1]
    for row, (first, second) in enumerate(map(list, pair) for pair in pairs):
        while len(first) + len(second) > sequence_length - 3:
            (first if len(first) > len(second) else second).pop()
        ids = [CLS, *first, SEP, *second, SEP]
        segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        padding = [0] * (length - len(ids))
        assert inputs["token_ids"][row].tolist() == ids + padding
        assert inputs["segment_ids"][row].tolist() == segments + padding
        assert inputs["padding_mask"][row].tolist() == [1] * len(ids) + padding
    assert length == sequence_length or length % 32 == 0


def test_swapping_the_texts_changes_ids_and_segments() -> None:
    a, b = np.array([11, 12], np.int32), np.array([21, 22, 23], np.int32)
    there, back = (pairs_to_inputs([pair], VOCABULARY, 8) for pair in ((a, b), (b, a)))
    assert there["segment_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    assert back["segment_ids"].tolist() == [[0, 0, 0, 0, 0, 1, 1, 1]]
    assert back["token_ids"].tolist() == [[CLS, 21, 22, 23, SEP, 11, 12, SEP]]


def test_no_room_for_a_pair_is_a_clear_error() -> None:
    with pytest.raises(InputError, match=r"two texts.*--sequence_length to 5"):
        pairs_to_inputs([(np.array([5]), np.array([6]))], VOCABULARY, 4)


def truncate_seq_pair(a, b, budget):
    """As in BERT's run_classifier.py: a token at a time off the end of the longer text."""
    a, b = list(range(a)), list(range(b))
    while len(a) + len(b) > budget:
        (a if len(a) > len(b) else b).pop()
    return len(a), len(b)


@pytest.mark.parametrize(
    ("first", "second", "budget", "kept"),
    [
        (3, 4, 7, (3, 4)),
        (9, 2, 7, (5, 2)),
        (2, 9, 7, (2, 5)),
        (9, 9, 6, (3, 3)),
        # At the same length the second loses a token first.
        (9, 9, 7, (4, 3)),
        (4, 9, 7, (4, 3)),
        (0, 9, 5, (0, 5)),
    ],
)
def test_the_longer_text_is_cut_first(first, second, budget, kept):
    lengths = truncated_lengths(np.array([first]), np.array([second]), budget)
    assert tuple(int(length[0]) for length in lengths) == kept


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1), st.integers(2, 60))
def test_lengths_are_those_of_berts_loop(pairs, budget):
    first, second = truncated_lengths(*np.array(pairs).T, budget)
    expected = [truncate_seq_pair(a, b, budget) for a, b in pairs]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


def test_rows_of_one_segment_and_of_two():
    a, b = np.array([11, 12], np.int32), np.array([21], np.int32)
    for rows, expected in (
        ([(a,), (b,)], documents_to_inputs([a, b], VOCABULARY, 8)),
        ([(a, b), (b, a)], pairs_to_inputs([(a, b), (b, a)], VOCABULARY, 8)),
    ):
        inputs = rows_to_inputs(rows, VOCABULARY, 8)
        assert inputs.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(inputs[name], array)
    for mixed in ([(a,), (a, b)], [(a, b, a)], [()]):
        with pytest.raises(ValueError, match="one segment each, or two each"):
            rows_to_inputs(mixed, VOCABULARY, 8)


def test_token_budget():
    assert (token_budget(8), token_budget(8, pairs=True)) == (6, 5)
