"""Exports, loaded again by runtimes that know nothing of this project."""

import json
import runpy
import sys

import numpy as np
import pytest

from conversion import export as exporting
from conversion.exported import _litert
from data_util.inputs import documents_to_inputs
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import read_checkpoint
from models.presets import backbone_config
from models.serving_model import ServingModel
from tasks.loading import load_task_model
from tests.classifiers import classification_model
from tests.conversion.conftest import NEEDED
from tests.conversion.runtimes import FILES, INPUTS, OPEN, batch_of
from training.options.conversion import EXPORT_FORMATS
from training.prediction import Predictor

# Backbones, the second with a head other than the default one, which is that of the first.
CLASSIFIERS = ("text_cnn", "transformer/pooled")
# (batch, length) of each batch; the checkpoints are made with at most 32 tokens.
SHAPES = ((1, 3), (5, 32), (2, 17), (16, 9))


@pytest.mark.parametrize("form", EXPORT_FORMATS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_agrees_with_the_checkpoint(exported, name, form):
    folder, checkpoint = exported(name, form)
    run = OPEN[form](folder / FILES[form])
    task, model = load_task_model(read_checkpoint(checkpoint))
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    for seed, (rows, length) in enumerate(SHAPES):
        inputs = batch_of(rows, length, size, len(task.ngrams), seed)
        expected = np.asarray(model({**inputs, "padding_mask": inputs["padding_mask"] == 1}))
        found = run(inputs)
        np.testing.assert_allclose(found["logits"], expected, atol=1e-4)
        np.testing.assert_allclose(
            found["probabilities"], 1 / (1 + np.exp(-expected.astype("float64"))), atol=1e-4
        )
        # Each row alone, without its padding.
        for row in range(0, rows, 5):
            sizes = {
                "length": int(inputs["padding_mask"][row].sum()),
                "entries": int((inputs["ngram_values"][row] > 0).sum()),
            }
            alone = run(
                {
                    name: array[row : row + 1, : sizes[INPUTS[name][1]]]
                    for name, array in inputs.items()
                }
            )
            np.testing.assert_allclose(alone["logits"][0], found["logits"][row], atol=1e-4)


# Backbones whose operations depend on the length, and the formats that can write them. The windows:
# one block, a rest, whole blocks.
BY_LENGTH = {
    "windows": (("transformer", {"num_heads": 2, "attention_window": 4}), EXPORT_FORMATS),
    "lstm": (("lstm", {}), ("saved_model", "onnx")),
}


@pytest.mark.parametrize(
    ("kind", "form"), [(kind, form) for kind, (_, forms) in BY_LENGTH.items() for form in forms]
)
def test_what_depends_on_the_length_agrees(tmp_path, kind, form):
    """No training."""
    for package in NEEDED[form]:
        pytest.importorskip(package, reason=f"{package} is not installed")
    name, sizes = BY_LENGTH[kind][0]
    backbone = make_backbone(backbone_config(name, "tiny", 40, d_model=16, num_layers=1, **sizes))
    model = build(classification_model(backbone, 3, num_ngrams=5))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.3, size=one.shape) for one in model.get_weights()])
    path = tmp_path / FILES[form]
    exporting._WRITERS[form](ServingModel(model), path, "none")
    run = OPEN[form](path)
    for rows, length in ((1, 3), (2, 17), (3, 32)):
        inputs = batch_of(rows, length, 40, 5, seed=length)
        expected = model({**inputs, "padding_mask": inputs["padding_mask"] == 1})
        np.testing.assert_allclose(run(inputs)["logits"], expected, atol=1e-4)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_int8_gives_the_same_labels(exported, tiny, form):
    plain, checkpoint = exported("text_cnn", form)
    folder, _ = exported("text_cnn", form, "int8")
    assert weight_bytes(folder, form) < weight_bytes(plain, form)
    classifier = Predictor(checkpoint)
    lines = [line for name in ("train", "test") for line in tiny.file(name).open(encoding="utf-8")]
    texts = [line.split(" __label__")[0] for line in lines]
    run, agree = OPEN[form](folder / FILES[form]), []
    expected = zip(classifier.probabilities(texts), classifier.predict(texts), strict=True)
    for text, (probabilities, result) in zip(texts, expected, strict=True):
        tokens = classifier.text.tokenizer.tokenize(text)[:30]
        ids = classifier.text.vocabulary.encode(tokens)
        inputs = documents_to_inputs([ids], classifier.text.vocabulary, 32)
        inputs = {name: array.astype(np.int32) for name, array in inputs.items()}
        ngram_ids, values = classifier.task.ngrams.features(tokens)
        found = run({**inputs, "ngram_ids": ngram_ids[None], "ngram_values": values[None]})
        assert np.abs(found["probabilities"][0] - probabilities).max() < 0.1
        (other,) = classifier.task.results([()], [found["logits"]])
        agree.append(
            [entry["label"] for entry in other["labels"]]
            == [entry["label"] for entry in result["labels"]]
        )
    assert np.mean(agree) >= 0.97  # 2 of 84 may stand next to the threshold


def test_an_int8_batch_for_litert_does_not_depend_on_those_before(tmp_path):
    """No training. With XNNPACK, a batch of another size than the one before can give NaN."""
    pytest.importorskip("ai_edge_litert", reason="ai_edge_litert is not installed")
    # LiteRT's converter leaves arrays of less than 1,024 weights as they are.
    backbone = make_backbone(backbone_config("text_cnn", "tiny", 40, d_model=64))
    model = build(classification_model(backbone, 30, head="max_pooled", num_ngrams=300))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.1, size=one.shape) for one in model.get_weights()])
    path = tmp_path / FILES["litert"]
    exporting._WRITERS["litert"](ServingModel(model), path, "int8")
    _, run = _litert(path)
    for rows, length in ((1, 3), (32, 100), (8, 32), (2, 5), (16, 64)):
        inputs = batch_of(rows, length, 40, 300, seed=length)
        _, first = _litert(path)
        np.testing.assert_array_equal(run(inputs)["logits"], first(inputs)["logits"])
        expected = model({**inputs, "padding_mask": inputs["padding_mask"] == 1})
        np.testing.assert_allclose(run(inputs)["logits"], expected, atol=0.2)


def weight_bytes(folder, form):
    """Without the operations, which take more space than the weights of so small a model."""
    if form == "litert":
        return (folder / "model.tflite").stat().st_size
    if form == "onnx":
        import onnx

        weights = onnx.load(folder / "model.onnx").graph.initializer
        return sum(onnx.numpy_helper.to_array(weight).nbytes for weight in weights)
    return sum(file.stat().st_size for file in (folder / "saved_model" / "variables").iterdir())


def test_what_lies_beside_the_model(exported):
    folder, checkpoint = exported("text_cnn", "saved_model")
    same = {"vocab.txt", "tokenizer.json", "labels.txt", "ngrams.txt"}
    beside = {*same, "thresholds.json", "model.json", "config.json", "metrics.json"}
    assert {path.name for path in folder.iterdir()} == {*beside, "saved_model"}
    for name in same:
        assert (folder / name).read_bytes() == (checkpoint / name).read_bytes()
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    del config["options"]  # those of the run, such as the paths of its files
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == config
    own = json.loads((checkpoint / "metrics.json").read_text(encoding="utf-8"))["thresholds"]
    assert json.loads((folder / "thresholds.json").read_text(encoding="utf-8")) == own
    assert json.loads((folder / "model.json").read_text()) == {
        "format_version": 2,
        "format": "saved_model",
        "model": "saved_model",
        "quantize": "none",
        "task": "multi_label",
        "fields": ["text"],
        "sequence_length": 32,
        "inputs": {
            name: {"dtype": dtype, "shape": ["batch", size]}
            for name, (dtype, size) in INPUTS.items()
        },
        "outputs": {
            "names": ["logits", "probabilities"],
            "dtype": "float32",
            "shape": ["batch", 3],
        },
        "decision": {"exclusive": False, "at_least_one": True},
    }


def test_the_command(run_of, exported, monkeypatch, capsys, tmp_path):
    folder, checkpoint = exported("text_cnn", "saved_model")
    out = tmp_path / "made" / "by the command"

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["export.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_module("conversion.export", run_name="__main__")
            raise SystemExit(0)
        return stop.value.code, capsys.readouterr().err

    status, err = command(checkpoint, out, "--format=saved_model")
    assert (status, "Traceback" in err) == (0, False)
    assert {path.name for path in out.iterdir()} == {path.name for path in folder.iterdir()}
    status, err = command(checkpoint, out, "--format=saved_model")
    assert (status, err.count("\n")) == (2, 1)
    assert "--overwrite" in err
    (out / "model.json").write_text("old")
    assert command(checkpoint, out, "--overwrite")[0] == 0
    assert json.loads((out / "model.json").read_text())["format"] == "saved_model"
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert command(run_of().pretrained, tmp_path / "other")[0] == 2
    assert command(checkpoint, tmp_path / "other", "--format=torch")[0] == 2
    assert not (tmp_path / "other").exists()
