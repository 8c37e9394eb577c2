import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.sentence_pairs import split_pair, truncated_lengths


def truncate_seq_pair(a, b, room):
    """As in BERT's run_classifier.py: a token at a time off the end of the longer text."""
    a, b = list(range(a)), list(range(b))
    while len(a) + len(b) > room:
        (a if len(a) > len(b) else b).pop()
    return len(a), len(b)


def test_a_tab_parts_two_texts():
    assert split_pair("a b") == "a b"
    assert split_pair("a \t b c") == ("a", "b c")
    for text in ("a\tb\tc", "a\t\tb"):
        with pytest.raises(InputError, match=r"here are 2: .*`text_a<TAB>text_b`"):
            split_pair(text)


@pytest.mark.parametrize(
    ("first", "second", "room", "kept"),
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
def test_the_longer_text_is_cut_first(first, second, room, kept):
    lengths = truncated_lengths(np.array([first]), np.array([second]), room)
    assert tuple(int(length[0]) for length in lengths) == kept


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1), st.integers(2, 60))
def test_lengths_are_those_of_berts_loop(pairs, room):
    first, second = truncated_lengths(*np.array(pairs).T, room)
    expected = [truncate_seq_pair(a, b, room) for a, b in pairs]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
