"""The examples of docs/deployment.md, run as they stand there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from conversion.export import export
from training.options.conversion import ExportOptions
from training.prediction import Predictor

TEXT = (Path(__file__).parents[1] / "docs" / "deployment.md").read_text(encoding="utf-8")


def example(kind, word):
    (found,) = [
        block for block in re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL) if word in block
    ]
    return found


@pytest.fixture
def exported(run_of, tmp_path, monkeypatch):
    """Exports the tiny checkpoint under a name, where the example looks for it."""
    monkeypatch.chdir(tmp_path)

    def make(name, form):
        checkpoint = run_of().fine_tuned
        export(ExportOptions(ckpt_dir=str(checkpoint), out=name, format=form))
        return checkpoint

    return make


@pytest.mark.parametrize(
    ("form", "packages"),
    [("onnx", ("onnx", "tf2onnx", "onnxruntime")), ("litert", ("ai_edge_litert",))],
)
def test_python(exported, form, packages):
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed")
    checkpoint = exported(f"exported_{form}", form)
    names = {}
    exec(example("python", f"exported_{form}"), names)
    expected = Predictor(checkpoint).probabilities(names["texts"])
    np.testing.assert_allclose(names["probabilities"], expected, atol=1e-4)


def test_request_to_tensorflow_serving(exported):
    import tensorflow as tf

    exported("exported", "saved_model")
    body = json.loads(example("json", "signature_name"))
    loaded = tf.saved_model.load("exported/saved_model")
    description = json.loads(Path("exported/model.json").read_text(encoding="utf-8"))["inputs"]
    assert body["inputs"].keys() == description.keys()
    inputs = {
        name: tf.constant(rows, description[name]["dtype"]) for name, rows in body["inputs"].items()
    }
    outputs = loaded.signatures[body["signature_name"]](**inputs)
    assert {name: value.shape.as_list() for name, value in outputs.items()} == {
        "logits": [2, 3],
        "probabilities": [2, 3],
    }
