"""The Python of README.md and docs/python.md, run as it stands there."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
OLD = ROOT / "tests/old_checkpoints"


def blocks_of(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def names(tmp_path, monkeypatch):
    """Runs Python where the checkpoints have the names of the documentation."""
    shutil.copytree(OLD / "pretrained_text_cnn", tmp_path / "checkpoint_lm")
    for name in ("checkpoint_lm_save", "checkpoint_mine_labels"):
        shutil.copytree(OLD / "fine_tuned_text_cnn", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return {}


def test_readme(names, capsys):
    (block,) = [block for block in blocks_of("README.md") if "import load" in block]
    exec(block, names)
    assert "'labels'" in (output := capsys.readouterr().out) and "(2, 16)" in output
    assert len([line for line in block.splitlines() if line.strip()]) == 5


def test_python_md(names, capsys):
    for block in blocks_of("docs/python.md"):
        exec(block, names)
    output = capsys.readouterr().out
    assert "'labels'" in output and "(2, 16)" in output
    assert [len(result.get("top", ())) for result in names["results"]] == [2, 2, 0]
    assert names["best"] == names["explanation"]["label"]
    assert -1 <= names["cosine"] <= 1
    assert names["mean"].shape == (1, 64)


def test_a_backbone_in_a_model_of_ones_own(names):
    """Its weights are the checkpoint's, and it learns."""
    *blocks, _ = blocks_of("docs/python.md")
    for block in blocks:
        exec(block, names)
    encoder, model = names["encoder"], names["model"]
    assert any(encoder.backbone is layer for layer in model.layers)
    batch = encoder.inputs(["盗窃", "殴打"])
    pooled = np.asarray(encoder.backbone(batch)["pooled_output"])
    dense = model.layers[-1]
    expected = pooled @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    np.testing.assert_allclose(model.predict(batch, verbose=0), expected, atol=1e-5)
    before = np.asarray(encoder.backbone.token_embedding.embeddings).copy()
    model.fit(batch, np.array([1.0, 3.0]), verbose=0)
    after = np.asarray(encoder.backbone.token_embedding.embeddings)
    assert np.abs(after - before).max() > 1e-5
