from itertools import pairwise

import numpy as np
import pytest

from tasks.windows import owners, windows


@pytest.mark.parametrize(
    ("length", "size", "overlap", "expected"),
    [
        (0, 4, 2, [(0, 0)]),
        (1, 4, 2, [(0, 1)]),
        (4, 4, 2, [(0, 4)]),
        (5, 4, 2, [(0, 4), (1, 5)]),
        (6, 4, 2, [(0, 4), (2, 6)]),
        (9, 4, 2, [(0, 4), (2, 6), (4, 8), (5, 9)]),
        (9, 4, 0, [(0, 4), (4, 8), (5, 9)]),
        (5, 3, 2, [(0, 3), (1, 4), (2, 5)]),
        (3, 1, 0, [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_windows_worked_out_by_hand(length, size, overlap, expected):
    assert windows(length, size, overlap) == expected


@pytest.mark.parametrize("arguments", [(5, 0, 0), (5, 3, 3), (5, 3, -1), (-1, 3, 1)])
def test_numbers_that_make_no_windows(arguments):
    with pytest.raises(ValueError, match="overlap"):
        windows(*arguments)


def test_owners_worked_out_by_hand():
    # Position 2 has one position after it in the first window, and none before it in the second.
    assert owners([(0, 4), (2, 6)]).tolist() == [0, 0, 0, 1, 1, 1]
    # Position 4: none after it in the first window, one before it in the second, none in the third.
    assert owners([(0, 5), (3, 8), (4, 9)]).tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2]
    # Position 2 is as far from the edge of both: the earlier one.
    assert owners([(0, 4), (1, 5)]).tolist() == [0, 0, 0, 1, 1]
    assert owners([(0, 3)]).tolist() == [0, 0, 0]
    assert owners([(0, 0)]).tolist() == []


def test_every_position_belongs_to_the_window_with_most_around_it():
    random = np.random.default_rng(0)
    for _ in range(200):
        size = int(random.integers(1, 12))
        length, overlap = int(random.integers(1, 60)), int(random.integers(0, size))
        spans = windows(length, size, overlap)
        assert spans[0][0] == 0 and spans[-1][1] == length
        for (start, end), (following, last) in pairwise(spans):
            assert start < following and end < last and end - following >= overlap
        for position, owner in enumerate(owners(spans).tolist()):
            around = [
                min(
                    position - start if start else length,
                    end - 1 - position if end < length else length,
                )
                if start <= position < end
                else -1
                for start, end in spans
            ]
            assert owner == around.index(max(around))
