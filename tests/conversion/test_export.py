"""Exports, loaded again by runtimes that know nothing of this project."""

import importlib.util
import json
import runpy
import sys

import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from conversion import export as exporting
from conversion.export import export
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
from training.options.conversion import EXPORT_FORMATS, ExportOptions
from training.prediction import Predictor

# Backbones, the second with a head other than the default one, which is that of the first.
CLASSIFIERS = ("text_cnn", "transformer/pooled")
# The type of each input, and its second dimension.
INPUTS = {
    "token_ids": ("int32", "length"),
    "segment_ids": ("int32", "length"),
    "padding_mask": ("int32", "length"),
    "ngram_ids": ("int32", "entries"),
    "ngram_values": ("float32", "entries"),
}
# (batch, length) of each batch; the checkpoints are made with at most 32 tokens.
SHAPES = ((1, 3), (5, 32), (2, 17), (16, 9))


def open_saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    signature = serve.structured_input_signature[1]
    assert {name: spec.dtype.name for name, spec in signature.items()} == {
        name: dtype for name, (dtype, _) in INPUTS.items()
    }
    assert all(spec.shape.as_list() == [None, None] for spec in signature.values())
    assert set(serve.structured_outputs) == {"logits", "probabilities"}

    def run(inputs):
        # `loaded` is named here because the signature does not keep the weights alive.
        outputs = loaded.signatures["serving_default"](
            **{name: tf.constant(array) for name, array in inputs.items()}
        )
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    return run


def open_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {"int32": "tensor(int32)", "float32": "tensor(float)"}
    assert {item.name: (item.type, *item.shape) for item in session.get_inputs()} == {
        name: (types[dtype], "batch", size) for name, (dtype, size) in INPUTS.items()
    }
    assert {(item.name, *item.shape) for item in session.get_outputs()} == {
        ("logits", "batch", 3),
        ("probabilities", "batch", 3),
    }
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def open_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: runner(**inputs)


OPEN = {"saved_model": open_saved_model, "onnx": open_onnx, "litert": open_litert}
FILES = {"saved_model": "saved_model", "onnx": "model.onnx", "litert": "model.tflite"}


def batch_of(rows, length, vocab_size, num_ngrams, seed):
    """Random tokens and n-grams; as many n-grams as twice the tokens of some text."""
    random = np.random.default_rng(seed)
    lengths = np.append(length, random.integers(3, length + 1, size=rows - 1))
    mask = np.arange(length) < lengths[:, None]
    ids = np.where(mask, random.integers(5, vocab_size, size=mask.shape), 0)
    entries = np.arange(2 * length) < random.permutation(2 * lengths)[:, None]
    features = random.integers(0, num_ngrams, size=entries.shape)
    return {
        "token_ids": ids.astype(np.int32),
        "segment_ids": np.zeros_like(ids, np.int32),
        "padding_mask": mask.astype(np.int32),
        "ngram_ids": np.where(entries, features, 0).astype(np.int32),
        "ngram_values": np.where(entries, random.random(entries.shape), 0).astype(np.float32),
    }


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


def test_a_recurrent_backbone_is_refused_for_litert():
    lstm, cnn = (make_backbone(backbone_config(name, "tiny", 9)) for name in ("lstm", "text_cnn"))
    for form in EXPORT_FORMATS:
        exporting._check_backbone(form, cnn)
        if form != "litert":
            exporting._check_backbone(form, lstm)
    with pytest.raises(OptionError, match=r"--format=litert has no loops .* backbone lstm"):
        exporting._check_backbone("litert", lstm)


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


@pytest.fixture
def options(run_of, tmp_path):
    return ExportOptions(ckpt_dir=str(run_of().fine_tuned), out=str(tmp_path / "out"))


@pytest.fixture
def fails(monkeypatch):
    """Lets the writer of the model end in the middle."""

    def write(model, path, quantize):
        path.mkdir()
        (path / "half").write_text("half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setitem(exporting._WRITERS, "saved_model", write)


def test_nothing_is_written_where_it_fails(options, fails, tmp_path):
    with pytest.raises(OSError, match="No space"):
        export(options)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_where_it_fails(options, fails, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.json").write_text("old")
    with pytest.raises(OSError, match="No space"):
        export(options.replace(overwrite=True))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "model.json").read_text() == "old"


def test_an_export_that_disagrees_is_refused(options, monkeypatch, tmp_path):
    monkeypatch.setattr(
        exporting,
        "_quantize",
        lambda model, _: model.set_weights([weight * 1.5 for weight in model.get_weights()]),
    )
    with pytest.raises(RuntimeError, match="nothing was written"):
        export(options)
    assert list(tmp_path.iterdir()) == []


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


def test_mistakes(options, run_of, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OptionError, match="is no export"):
        export(options.replace(out=str(tmp_path / "mine"), overwrite=True))
    with pytest.raises(OptionError, match="is no export"):
        export(options.replace(out=str(tmp_path / "mine" / "thesis.txt"), overwrite=True))
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "mine")
        for out in (".", "..", str(tmp_path)):
            with pytest.raises(OptionError, match="the current folder or above"):
                export(options.replace(out=out, overwrite=True))
    with pytest.raises(CheckpointError, match="only pre-trained"):
        export(options.replace(ckpt_dir=str(run_of().pretrained)))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install onnx tf2onnx"):
        export(options.replace(format="onnx"))
    assert not (tmp_path / "out").exists()


def test_without_its_runtime_it_is_written_all_the_same(options, monkeypatch, caplog):
    pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    folder = export(options.replace(format="onnx"))
    assert (folder / "model.onnx").is_file()
    assert "the export was not run: ONNX models need onnxruntime" in caplog.text
