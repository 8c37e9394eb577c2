"""The Python of README.md and docs/python.md, run as it stands there."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
OLD = ROOT / "tests/old_checkpoints"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs code where the checkpoints have the names of the documentation: (names, output)."""
    folder = tmp_path_factory.mktemp("checkpoints")
    shutil.copytree(OLD / "pretrained_text_cnn", folder / "checkpoint_lm")
    for name in ("checkpoint_lm_save", "checkpoint_mine_labels"):
        shutil.copytree(OLD / "fine_tuned_text_cnn", folder / name)

    def run(*blocks):
        names, output = {}, io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(output):
            for block in blocks:
                exec(block, names)
        return names, output.getvalue()

    return run


@pytest.fixture(scope="module")
def documented(run):
    return run(*blocks_of("docs/python.md"))


def blocks_of(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_five_lines_of_the_readme(run):
    (block,) = [block for block in blocks_of("README.md") if "import load" in block]
    _, output = run(block)
    assert "'labels'" in output and "(2, 16)" in output
    assert len([line for line in block.splitlines() if line.strip()]) == 5


def test_predictions_and_vectors(documented):
    names, output = documented
    assert "'labels'" in output and "(2, 16)" in output
    assert [len(result.get("top", ())) for result in names["results"]] == [2, 2, 0]
    assert names["best"] == names["explanation"]["label"]
    assert -1 <= names["cosine"] <= 1


def test_a_backbone_in_a_model_of_ones_own(documented):
    """It computes with the checkpoint's backbone, and trains it too."""
    names, _ = documented
    encoder, model = names["encoder"], names["model"]
    assert any(encoder.backbone is layer for layer in model.layers)
    batch = encoder.inputs(["盗窃", "殴打"])
    pooled = np.asarray(encoder.backbone(batch)["pooled_output"])
    dense = model.layers[-1]
    expected = pooled @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    np.testing.assert_allclose(model.predict(batch, verbose=0), expected, atol=1e-5)
    trained = np.asarray(encoder.backbone.token_embedding.embeddings)
    stored = np.asarray(
        names["load"](OLD / "pretrained_text_cnn").backbone.token_embedding.embeddings
    )
    assert 1e-5 < np.abs(trained - stored).max() < 0.1


def test_layers(documented):
    names, _ = documented
    outputs = np.asarray(names["outputs"]["sequence_output"])
    np.testing.assert_allclose(names["mean"], outputs[:, :3].mean(axis=1), atol=1e-6)
    assert names["mean"].shape == (1, 64)
