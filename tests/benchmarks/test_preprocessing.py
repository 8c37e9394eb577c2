import pytest

from benchmarks import preprocessing


def test_preprocessing(smoke_run):
    pytest.importorskip("jieba", reason="the original's path is not installed: jieba")
    tables = smoke_run(preprocessing)
    assert len(tables) == 2
    for title, rows in tables.items():
        assert "20 documents" in title
        assert [row["side"] for row in rows] == ["ours", "the original's path"]
        assert all(row["per_cpu_second"] > 0 for row in rows)
