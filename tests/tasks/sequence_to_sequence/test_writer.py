"""What a checkpoint writes is written with its exports, too: two models and the search."""

import json
import re
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from conversion.export import export
from conversion.exported_predictor import ExportedPredictor
from models.backbones.base import make_backbone
from models.build import build
from models.presets import backbone_config
from tasks.generation_options import GenerationOptions
from tests.conftest import ROOT
from tests.conversion.conftest import NEEDED
from tests.tasks.examples import write
from tests.test_rooms import HEAVY
from training.options.conversion import EXPORT_FORMATS, ExportOptions
from training.prediction import Predictor

DOCS = ROOT / "docs" / "sequence_to_sequence.md"
TEXTS = ["甲天地", "乙", "天地人甲乙丙天地人甲乙丙", "不"]


@pytest.fixture(scope="module")
def checkpoint(tiny, tmp_path_factory):
    """Of weights that write texts of several lengths."""
    folder, data = tmp_path_factory.mktemp("sequences") / "checkpoint", tiny.data
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 1}
    config = backbone_config("transformer", "tiny", len(data.text.vocabulary), **sizes)
    keras.utils.set_random_seed(1)
    model = build(data.task.build_model(make_backbone(config), 0.0))
    random = np.random.default_rng(3)
    model.set_weights(
        [each + random.normal(scale=0.5, size=each.shape) for each in model.get_weights()]
    )
    return write(folder, data, model)


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """Gives the folder of an export."""
    folders = {}

    def make(form):
        for package in NEEDED[form]:
            pytest.importorskip(package, reason=f"{package} is not installed")
        if form not in folders:
            out = str(tmp_path_factory.mktemp("export") / "out")
            options = ExportOptions(ckpt_dir=str(checkpoint), out=out, format=form)
            folders[form] = export(options)
        return folders[form]

    return make


def written_by(predictor, **options):
    predictor.task.use_options(GenerationOptions(**options))
    return predictor.predict(TEXTS, top_k=2)


@pytest.fixture(scope="module")
def expected(checkpoint):
    """What the checkpoint writes, by beam search."""
    found = written_by(Predictor(checkpoint), num_beams=3)
    assert len({each["text"] for each in found}) > 1
    return found


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_it_writes_what_the_checkpoint_writes(exported, expected, form):
    found = written_by(ExportedPredictor(exported(form)), num_beams=3)
    assert [each["text"] for each in found] == [each["text"] for each in expected]
    scores = [[each["score"] for each in results] for results in (found, expected)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_the_client_of_the_docs_writes_the_same(checkpoint, exported):
    code = re.search(r"<!-- client -->\n```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    folder, lengths = exported("onnx"), set()
    for text, expected in zip(TEXTS, written_by(Predictor(checkpoint), num_beams=1), strict=True):
        values = {"FOLDER": str(folder), "TEXT": text}
        exec(code[1], values)
        assert values["text"] == expected["text"]
        lengths.add(len(values["text"]))
    assert len(lengths) > 1  # Some end by themselves.
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    assert about["parts"]["decoder"]["outputs"]["shape"] == ["batch", size]
    assert about["parts"]["encoder"]["outputs"]["shape"] == ["batch", 1, "length", 2, 8]
    assert set(about["parts"]["decoder"]["inputs"]["keys"]["shape"]) == {"batch", 1, "step", 2, 8}


def test_it_needs_no_framework(exported):
    code = """
        import sys
        from pathlib import Path
        from conversion.exported_predictor import ExportedPredictor
        predictor = ExportedPredictor(Path(sys.argv[1]))
        print(predictor.predict(sys.argv[2:])[0]["text"])
        print(*sys.modules)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(exported("onnx")), TEXTS[0]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    text, modules = done.stdout.splitlines()
    assert text
    assert HEAVY.isdisjoint(modules.split())
