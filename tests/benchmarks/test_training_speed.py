import pytest

from benchmarks import training_speed
from tests.benchmarks.peers import needs_peers


@needs_peers
@pytest.mark.usefixtures("eagerly")
def test_training_speed(smoke_run):
    tables = smoke_run(training_speed)
    *speeds, profile, roofline = tables.values()
    for rows in speeds:
        assert rows[0]["side"] == "ours"
        assert len(rows) > 1
        assert all(0 <= row["waste"] < 1 for row in rows)
    assert {row["step"] for row in profile} == {row["step"] for row in roofline}
    for row in profile:
        pieces = [row[f"{name}_ms"] for name in ("embedding", "encoder", "head and loss")]
        assert sum(pieces) + row["optimizer_ms"] == pytest.approx(row["step_ms"])
        assert row["input_ms"] > 0
