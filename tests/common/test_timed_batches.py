import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.timed_batches import timed_batches


@given(st.integers(0, 50), st.integers(1, 9), st.sampled_from([None, 60.0]))
def test_full_batches_of_a_source_that_does_not_pause(count, size, max_wait):
    expected = [list(range(count))[start : start + size] for start in range(0, count, size)]
    assert list(timed_batches(range(count), size, max_wait)) == expected


def test_what_was_read_is_given_while_the_source_pauses():
    paused = threading.Event()

    def source():
        yield from "ab"
        # Goes on only when what came before was given.
        assert paused.wait(60)
        yield "c"

    batches = timed_batches(source(), 10, max_wait=0.01)
    given = []
    while len(given) < 2:
        given += next(batches)
    assert given == ["a", "b"]
    paused.set()
    assert list(batches) == [["c"]]


def test_without_a_time_a_batch_waits_for_the_end_of_a_pause():
    paused = threading.Event()

    def source():
        yield "a"
        paused.wait(0.2)
        yield "b"

    assert list(timed_batches(source(), 10, max_wait=None)) == [["a", "b"]]


def test_an_error_comes_after_what_was_read_before_it():
    def source():
        yield from range(5)
        raise ValueError("the sixth")

    given = []
    with pytest.raises(ValueError, match="the sixth"):
        for batch in timed_batches(source(), 2, None):
            given.append(batch)
    assert given == [[0, 1], [2, 3], [4]]


def test_it_reads_ahead_by_no_more_than_two_batches():
    read = []
    source = (read.append(number) or number for number in itertools.count())
    batches = timed_batches(source, 3, None)
    for _ in range(5):
        next(batches)
    # In hand, in the queue, and one that waits for a place in it.
    assert len(read) <= 5 * 3 + 3 + 1
    batches.close()
