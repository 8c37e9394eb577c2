"""Keys and their numbers against a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_util.tokens.key_table import KeyTable

KEYS = st.integers(0, 20) | st.integers(0, (1 << 64) - 2)


@given(st.dictionaries(KEYS, st.integers(0, (1 << 31) - 1), max_size=60), st.lists(KEYS))
def test_found_is_what_a_dictionary_has(known, wanted):
    wanted += known
    table = KeyTable(np.array([*known], np.uint64), np.array([*known.values()], np.int64))
    positions, values = table.find(np.array(wanted, np.uint64))
    found = dict(zip(positions.tolist(), values.tolist(), strict=True))
    assert len(found) == len(positions)
    assert found == {place: known[key] for place, key in enumerate(wanted) if key in known}


def test_many_keys_need_several_levels():
    keys = np.random.default_rng(0).choice(1 << 40, 50_000, replace=False).astype(np.uint64)
    known, unknown = keys[:40_000], keys[40_000:]
    table = KeyTable(known, np.arange(40_000))
    assert len(table._levels) > 1
    positions, values = table.find(np.concatenate([unknown, known]))
    assert np.sort(positions).tolist() == list(range(10_000, 50_000))
    np.testing.assert_array_equal(positions - 10_000, values)


def test_of_equal_keys_the_first_counts():
    table = KeyTable(np.array([5, 5, 5], np.uint64), np.array([2, 1, 0]))
    assert [each.tolist() for each in table.find(np.array([5], np.uint64))] == [[0], [2]]
