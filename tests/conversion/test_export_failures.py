"""Exports that fail, or are refused, and what is left of them."""

import importlib.util
import sys

import pytest

from common.errors import CheckpointError, InputError, OptionError
from conversion import export as exporting
from conversion.export import export
from models.backbones.base import make_backbone
from models.presets import backbone_config
from training.options.conversion import EXPORT_FORMATS, ExportOptions


def test_a_recurrent_backbone_is_refused_for_litert():
    lstm, cnn = (make_backbone(backbone_config(name, "tiny", 9)) for name in ("lstm", "text_cnn"))
    for form in EXPORT_FORMATS:
        exporting._check_backbone(form, cnn)
        if form != "litert":
            exporting._check_backbone(form, lstm)
    with pytest.raises(OptionError, match=r"--format=litert has no loops .* backbone lstm"):
        exporting._check_backbone("litert", lstm)


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
