import pytest

from benchmarks import memory


def test_memory(smoke_run, run_of, capsys):
    tables = smoke_run(memory, "--processes=1", f"--ckpt_dir={run_of().fine_tuned}")
    rows = tables["Preprocessing"]
    assert [row["times"] for row in rows] == [1, 3]
    assert rows[1]["text_mb"] == pytest.approx(3 * rows[0]["text_mb"])
    assert all(row["peak_mb"] > 20 for row in rows)
    assert [row["lines"] for row in tables["Prediction"]] == [200]
    assert "| times | text mb | seconds |" in capsys.readouterr().out
