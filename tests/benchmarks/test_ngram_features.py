from pathlib import Path

import numpy as np
import pytest

from benchmarks import ngram_features

ROOT = Path(__file__).parents[2]


def test_ngram_features(smoke_run):
    ((title, rows),) = smoke_run(ngram_features, f"--before={ROOT}").items()
    assert "n-grams" in title
    assert [row["side"] for row in rows] == [
        "64 documents at once",
        "one after another",
        "before, one after another",
    ]
    assert all(row["per_cpu_second"] > 0 for row in rows)


def test_features_that_differ_by_a_bit_are_found():
    rows = [(np.array([1, 2], np.int32), np.array([0.6, 0.8], np.float32))]
    ngram_features.check_equal(rows, rows)
    changed = [(rows[0][0], np.nextafter(rows[0][1], np.float32(1)))]
    with pytest.raises(SystemExit, match="the features of document 0 are not those of before"):
        ngram_features.check_equal(rows, changed)


def test_another_folder_is_no_checkout(tmp_path):
    with pytest.raises(SystemExit, match="is no checkout"):
        ngram_features.earlier_table(tmp_path)
