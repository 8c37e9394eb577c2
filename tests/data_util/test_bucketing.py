from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.bucketing import batches_of_tokens, make_batches, padded_length


@pytest.mark.parametrize(
    ("longest", "limit", "expected"),
    [(1, 256, 32), (32, 256, 32), (33, 256, 64), (250, 256, 256), (33, 50, 50), (50, 50, 50)],
)
def test_padded_length(longest: int, limit: int, expected: int) -> None:
    assert padded_length(longest, limit) == expected


MANY_ROWS = st.integers(0, 2000).map(lambda rows: np.random.default_rng(rows).integers(0, 9, rows))


# Some are more rows than the 50 batches within which they are sorted.
@given(
    st.lists(st.integers(0, 300), max_size=500) | MANY_ROWS,
    st.integers(1, 20),
    st.none() | st.integers(0, 9),
)
def test_every_row_is_in_one_batch_and_only_the_last_is_smaller(lengths, batch_size, seed) -> None:
    generator = None if seed is None else np.random.default_rng(seed)
    batches = make_batches(np.array(lengths, np.int64), batch_size, generator)
    assert sorted(np.concatenate([[], *batches])) == list(range(len(lengths)))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert all(0 < len(batch) <= batch_size for batch in batches)


def test_rows_of_like_length_share_a_batch() -> None:
    lengths = np.random.default_rng(0).integers(10, 250, 3000)
    batches = make_batches(lengths, 30, np.random.default_rng(1))
    padding = sum(
        int(lengths[batch].max() * len(batch) - lengths[batch].sum()) for batch in batches
    )
    assert padding < 0.05 * lengths.sum()


def test_batches_are_not_in_the_order_of_their_length() -> None:
    lengths = np.arange(3000)
    means = [lengths[batch].mean() for batch in make_batches(lengths, 30, np.random.default_rng(1))]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.4


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 2000))
def test_batches_of_tokens_are_as_large_as_they_may(lengths, max_tokens) -> None:
    batches = batches_of_tokens(np.array(lengths, np.int64), max_tokens)
    in_order = [lengths[row] for batch in batches for row in batch]
    assert sorted(np.concatenate([[], *batches])) == list(range(len(lengths)))
    assert in_order == sorted(lengths)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch[-1]] <= max_tokens
    for batch, following in pairwise(batches):
        assert (len(batch) + 1) * lengths[following[0]] > max_tokens
