"""Rows of a question by hand, and what is cut."""

import numpy as np
import pytest

from tasks.multiple_choice.rows import encode_question, join_windows, longest_rows

# What a row has beside its two segments: [CLS] and two [SEP].
RESERVED = 3


def texts_of(*lengths):
    """Texts of so many tokens; a token is 100 * text + position."""
    return [100 * number + np.arange(length) for number, length in enumerate(lengths)]


def as_lists(encoded):
    return [tuple(part.tolist() for part in row) for row in encoded.rows]


def test_a_row_for_each_choice():
    encoded = encode_question(texts_of(2, 1, 2, 1), 20)
    assert as_lists(encoded) == [([0, 1], [100, 200, 201]), ([0, 1], [100, 300])]
    assert encoded.choice.tolist() == [0, 1] and len(encoded) == 2 + 3 + RESERVED


def test_without_a_context_the_question_is_the_first_segment():
    encoded = encode_question(texts_of(0, 2, 1, 1, 2), 20)
    assert as_lists(encoded) == [([100, 101], [200]), ([100, 101], [300]), ([100, 101], [400, 401])]
    nothing = encode_question(texts_of(0, 0, 1, 2), 20)
    assert as_lists(nothing) == [([], [200]), ([], [300, 301])]


def test_all_choices_read_the_same_part_of_the_context():
    encoded = encode_question(texts_of(30, 2, 1, 4), 12 + RESERVED)
    assert as_lists(encoded) == [
        (list(range(6)), [100, 101, 200]),
        (list(range(6)), [100, 101, 300, 301, 302, 303]),
    ]


def test_question_and_choice_are_cut_only_if_they_do_not_fit_alone():
    encoded = encode_question(texts_of(30, 6, 2, 5), 8 + RESERVED)
    # One token at a time from the longer one, of equal ones from the second.
    assert as_lists(encoded) == [
        ([], [100, 101, 102, 103, 104, 105, 200, 201]),
        ([], [100, 101, 102, 103, 300, 301, 302, 303]),
    ]
    encoded = encode_question(texts_of(0, 6, 2, 5), 8 + RESERVED)
    assert [tuple(map(len, row)) for row in encoded.rows] == [(6, 2), (4, 4)]


@pytest.mark.parametrize("most", [2, 3, 9])
def test_windows_of_a_long_context(most):
    encoded = encode_question(texts_of(11, 1, 1, 3), 8 + RESERVED, max_windows=most)
    # Four tokens remain for the context; two of each window are also in the next one.
    spans = [(0, 4), (2, 6), (4, 8), (6, 10), (7, 11)][:most]
    assert as_lists(encoded) == [
        (list(range(start, end)), choice)
        for choice in ([100, 200], [100, 300, 301, 302])
        for start, end in spans
    ]
    assert encoded.choice.tolist() == [0] * len(spans) + [1] * len(spans)
    assert encoded.first_rows.tolist() == ([True] + [False] * (len(spans) - 1)) * 2
    scores = np.arange(len(encoded.rows), dtype=float)
    assert join_windows(scores, encoded.choice).tolist() == [len(spans) - 1, 2 * len(spans) - 1]


def test_the_longest_rows():
    questions = [texts_of(5, 2, 1, 4), texts_of(0, 3, 2, 1, 2), texts_of(30, 1, 1, 1)]
    lengths = np.array([len(text) for texts in questions for text in texts])
    first = np.cumsum([0, *map(len, questions[:-1])])
    expected = [len(encode_question(texts, 1000)) for texts in questions]
    assert longest_rows(lengths, first).tolist() == expected == [14, 8, 35]
