"""Exports give what their checkpoint gives, and need nothing that trains."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from conversion import exported_predictor
from conversion.export import export
from conversion.exported import WHOLE, model_file
from conversion.exported_predictor import ExportedPredictor
from predict import predict
from tests.conftest import ROOT
from tests.hostile_files import sign
from tests.test_rooms import HEAVY
from training.occlusion import explanation, occlude
from training.options.conversion import EXPORT_FORMATS, ExportOptions
from training.options.scripts import PredictionOptions
from training.prediction import Predictor


@pytest.fixture(scope="module")
def texts(tiny):
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    # Longer than the model reads, and of unknown characters.
    return [*(line.split(" __label__")[0] for line in lines), "盗窃" * 40, "zzz"]


def probabilities_of(result):
    return {entry["label"]: entry["probability"] for entry in result["top"]}


def test_batches_are_small_and_have_little_padding(exported, texts, monkeypatch):
    folder, _ = exported("text_cnn", "onnx")
    predictor = ExportedPredictor(folder)
    expected = predictor.predict(texts)
    given, run = [], predictor._outputs
    predictor._outputs = lambda inputs: given.append(inputs["padding_mask"]) or run(inputs)
    monkeypatch.setattr(exported_predictor, "_MAX_TOKENS", 64)
    for before, after in zip(expected, predictor.predict(texts), strict=True):
        assert [each["label"] for each in after["labels"]] == [
            each["label"] for each in before["labels"]
        ]
    assert sum(map(len, given)) == len(texts)
    # Beside [CLS] and [SEP].
    assert all(len(mask) == 1 or mask[:, 2:].size <= 64 for mask in given)
    assert all(mask[:, -1].any() for mask in given)
    assert max(map(len, given)) > 1


@pytest.mark.parametrize("form", ["onnx", "litert"])
def test_results_and_explanations_are_those_of_the_checkpoint(exported, texts, form):
    folder, checkpoint = exported("text_cnn", form)
    ours, theirs = Predictor(checkpoint), ExportedPredictor(folder)
    assert theirs.task.config() == ours.task.config()
    both = zip(ours.predict(texts, top_k=3), theirs.predict(texts, top_k=3), strict=True)
    for expected, found in both:
        assert [each["label"] for each in found["labels"]] == [
            each["label"] for each in expected["labels"]
        ]
        assert probabilities_of(found) == pytest.approx(probabilities_of(expected), abs=2e-6)
    np.testing.assert_allclose(theirs.probabilities(texts), ours.probabilities(texts), atol=1e-6)
    parts = []
    for predictor in (ours, theirs):
        occlusion = occlude(texts[0], predictor.task, predictor.text)
        outputs = np.concatenate(predictor.outputs(occlusion.variants))
        found = explanation(occlusion, outputs, predictor.task, "诈骗")
        parts.append([each["importance"] for each in found["parts"]])
    assert parts[1] == pytest.approx(parts[0], abs=1e-4)


def test_a_given_threshold_decides(exported, texts):
    folder, checkpoint = exported("text_cnn", "onnx")
    given = {"threshold": 1.0, "at_least_one": False}
    found = ExportedPredictor(folder, **given).predict(texts)
    assert found == Predictor(checkpoint, **given).predict(texts) == [{"labels": []}] * len(texts)


def test_pairs(fine_tuned_on_pairs, tmp_path):
    from conversion.export import export
    from training.options.conversion import ExportOptions

    pytest.importorskip("tf2onnx")
    options = ExportOptions(ckpt_dir=str(fine_tuned_on_pairs), out=str(tmp_path / "out"))
    folder = export(options.replace(format="onnx"))
    pairs = [("怎么 关闭", "怎么 打开"), ("甲", "乙")]
    ours, theirs = Predictor(fine_tuned_on_pairs), ExportedPredictor(folder)
    np.testing.assert_allclose(theirs.probabilities(pairs), ours.probabilities(pairs), atol=1e-6)


# The command, an explanation, and the service's application with one request.
PROGRAM = """
import sys
from pathlib import Path
sys.argv = ["predict.py", *sys.argv[1:]]
import predict
predict.main()
import numpy as np
from conversion.exported_predictor import ExportedPredictor
from training.occlusion import explanation, occlude
predictor = ExportedPredictor(Path(sys.argv[1].partition("=")[2]))
occlusion = occlude("盗窃手机", predictor.task, predictor.text)
explanation(occlusion, np.concatenate(predictor.outputs(occlusion.variants)), predictor.task)
try:
    import serve
    from serving.app import make_app
    from serving.options import ServingOptions
    from serving.server import warm_up
    warm_up(predictor, 2)
    make_app(predictor, ServingOptions())
except ImportError as error:
    print(error, file=sys.stderr)
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("form", ["onnx", "litert"])
def test_nothing_that_trains_is_imported(exported, tiny, texts, tmp_path, form):
    folder, checkpoint = exported("text_cnn", form)
    (tmp_path / "new.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    options = [f"--exported={folder}", f"--input={tmp_path / 'new.txt'}"]
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options], cwd=ROOT, capture_output=True, check=True
    )
    loaded = {name.partition(".")[0] for name in output.stderr.decode().split()}
    assert {"numpy", "rjieba", "conversion"} <= loaded
    assert not loaded & HEAVY
    found = [json.loads(line) for line in output.stdout.decode().splitlines()]
    labels = [[each["label"] for each in line["labels"]] for line in found]
    expected = Predictor(checkpoint).predict(texts)
    assert labels == [[each["label"] for each in line["labels"]] for line in expected]


def test_damaged_folders_are_named(exported, tmp_path):
    folder, _ = exported("text_cnn", "onnx")

    def damaged(change):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(folder, tmp_path / "copy")
        change(tmp_path / "copy")
        with pytest.raises((CheckpointError, InputError)) as error:
            ExportedPredictor(tmp_path / "copy")
        return str(error.value)

    def without(name):
        return lambda copy: (copy / name).unlink()

    def cut(name):
        return lambda copy: (copy / name).write_bytes((copy / name).read_bytes()[:-100])

    assert "Export the checkpoint again" in damaged(without("config.json"))
    assert "model.onnx" in damaged(without("model.onnx"))
    assert "model.onnx" in damaged(cut("model.onnx"))
    assert "ngrams.txt" in damaged(without("ngrams.txt"))
    assert "labels.txt" in damaged(without("labels.txt"))
    assert "vocab.txt" in damaged(without("vocab.txt"))
    assert "metrics.json" in damaged(cut("metrics.json"))
    assert "config.json" in damaged(cut("config.json"))


def test_options_that_contradict():
    with pytest.raises(OptionError, match=r"both name a model"):
        PredictionOptions(exported="out", ckpt_dir="mine")
    with pytest.raises(OptionError, match="no --vectors"):
        PredictionOptions(exported="out", vectors="out.npy")
    with pytest.raises(InputError, match="cannot be read"):
        predict(PredictionOptions(exported="no such folder", input=str(ROOT / "README.md")))


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_a_network_without_weight_is_not_exported(exported, classifier_of, texts, form, tmp_path):
    whole, _ = exported("text_cnn", form)  # or its runtime is missing
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(classifier_of("text_cnn"), checkpoint)
    with h5py.File(checkpoint / "model.weights.h5", "r+") as file:
        _, _, linear_weight, network_weight, _ = (
            file[f"layers/ngram_classifier/vars/{number}"] for number in range(5)
        )
        linear_weight[()], network_weight[()] = 2.0, 0.0
    sign(checkpoint)
    options = {"ckpt_dir": str(checkpoint), "out": str(tmp_path / "out")}
    folder = export(ExportOptions(**options, format=form))
    described = json.loads((folder / "model.json").read_text())
    assert list(described["inputs"]) == ["ngram_ids", "ngram_values"]
    ours, theirs = Predictor(checkpoint).probabilities(texts), ExportedPredictor(folder)
    np.testing.assert_allclose(theirs.probabilities(texts), ours, atol=1e-6)
    np.testing.assert_allclose(
        theirs.exported(theirs.exported.encode(texts))["probabilities"], ours, atol=1e-6
    )
    if form != "saved_model":  # which keeps all weights of a model
        file = model_file(form, WHOLE)
        assert (folder / file).stat().st_size < (whole / file).stat().st_size
