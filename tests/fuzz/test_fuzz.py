"""The fuzz targets: inputs that once broke something, and a second of new ones."""

import importlib
import importlib.util
import os
import subprocess
import sys

import pytest

from common import hdf5
from data_util.reading import line_format
from data_util.tokens import vocabulary
from models.config import BackboneConfig
from tests.fuzz.__main__ import FOLDER, TARGETS

SECONDS = 1
KEPT = sorted(path for path in (FOLDER / "corpus").rglob("*") if path.is_file())

targets = pytest.mark.parametrize("target", TARGETS)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_inputs_that_were_kept(path):
    importlib.import_module(f"tests.fuzz.{path.parent.name}").one_input(path.read_bytes())


@targets
def test_every_target_takes_anything(target):
    module = importlib.import_module(f"tests.fuzz.{target}")
    seeds = module.seeds() if hasattr(module, "seeds") else [b"\x01a __label__b\n"]
    for data in (b"", b"\0", b"\xff" * 99, *seeds, *(seed[: len(seed) // 2] for seed in seeds)):
        module.one_input(data)


@targets
def test_every_target_finds_a_defect(target, monkeypatch):
    def broken(*arguments, **options):
        raise KeyError("a defect")

    module = importlib.import_module(f"tests.fuzz.{target}")
    seeds = module.seeds() if hasattr(module, "seeds") else [b"\x01a __label__b\n"]
    monkeypatch.setattr(line_format, "parse_labelled", broken)
    monkeypatch.setattr(vocabulary, "_checked_ids", broken)
    monkeypatch.setattr(BackboneConfig, "__post_init__", broken)
    monkeypatch.setattr(hdf5, "check_regular", broken)
    monkeypatch.setattr("data_util.reading.examples._json", broken)
    monkeypatch.setattr("tasks.token_classification.records._add_columns", broken)
    monkeypatch.setattr("tasks.question_answering.files.parse_question", broken)
    monkeypatch.setattr("data_util.labelled.checked_examples.checked_document", broken)
    # Whatever goes wrong in reading a cache is a reason to make it again: its bounds are tested.
    monkeypatch.setattr("data_util.cache.reading._check_offsets", lambda *arguments: None)
    if target == "caches":
        monkeypatch.setattr("data_util.cache.reading._map", lambda *place: module.np.array([9, -3]))
    with pytest.raises((KeyError, AssertionError)):
        module.one_input(seeds[0])


@targets
def test_a_second_of_fuzzing(target):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("no atheris: pip install atheris")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, f"--seconds={SECONDS}"],
        cwd=FOLDER.parents[1],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert "number_of_executed_units" in done.stderr
