import json
import sys

from benchmarks import attention_window


def test_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setattr(attention_window, "peak_of", lambda command: {"peak_mb": len(command)})
    monkeypatch.setattr(sys, "argv", ["attention_window", "--test_mode", f"--out={tmp_path}"])
    attention_window.main()
    (rows,) = json.loads((tmp_path / "attention_window.json").read_text())["tables"].values()
    assert [row["length"] for row in rows] == [8, 16]
    assert all(value > 0 for row in rows for value in row.values())
