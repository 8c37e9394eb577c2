"""Sparse rows against SciPy's, and the inputs of a batch by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from data_util.tokens.sparse_rows import SparseRows, ngram_inputs


@given(st.lists(st.dictionaries(st.integers(0, 9), st.floats(0.5, 2, width=32)), max_size=6))
def test_sparse_rows_are_those_of_scipy(rows):
    given = [
        (np.array(list(row), np.int32), np.array(list(row.values()), np.float32)) for row in rows
    ]
    stacked = SparseRows.stack(iter(given))
    assert len(stacked) == len(rows)
    assert stacked.indices.dtype == np.int32 and stacked.values.dtype == np.float32
    expected = np.zeros((len(rows), 10), np.float32)
    for number, row in enumerate(rows):
        expected[number, list(row)] = list(row.values())
        for ours, theirs in zip(stacked.row(number), given[number], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    parts = (stacked.values, stacked.indices, stacked.offsets)
    np.testing.assert_array_equal(csr_matrix(parts, expected.shape).toarray(), expected)


@pytest.mark.parametrize(
    ("lengths", "width"), [([], 64), ([0], 64), ([3, 0, 64], 64), ([65, 2], 128)]
)
def test_inputs_of_a_batch(lengths, width):
    rows = [
        (np.arange(1, size + 1, dtype=np.int32), np.full(size, 0.5, np.float32)) for size in lengths
    ]
    inputs = ngram_inputs(rows)
    ids, values = inputs["ngram_ids"], inputs["ngram_values"]
    assert set(inputs) == {"ngram_ids", "ngram_values"}
    assert ids.shape == values.shape == (len(lengths), width)
    assert (ids.dtype, values.dtype) == (np.int32, np.float32)
    for row, size in enumerate(lengths):
        assert ids[row, :size].tolist() == list(range(1, size + 1))
        assert values[row, :size].tolist() == [0.5] * size
        assert not ids[row, size:].any() and not values[row, size:].any()
