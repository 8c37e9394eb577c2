"""The picture of a benchmark's curves."""

import sys

import pytest

from benchmarks.lib.curves import draw


def test_a_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="draws the curves: pip install matplotlib")
    target = tmp_path / "curves.png"
    draw({"random": [0.2, 0.5]}, target, {"svm": 0.6})
    assert target.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    draw({"random": [0.2, 0.5]}, tmp_path / "curves.png")
    assert "pip install matplotlib" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
