"""Whoever reads a checkpoint folder finds the old checkpoint or the new one, whole."""

import json
import shutil
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from common.errors import CheckpointError
from models.checkpoints import writing as module
from models.checkpoints.folder import holds_checkpoint, read_checkpoint
from models.checkpoints.weights import load_weights
from models.checkpoints.writing import write_checkpoint
from tests.classifiers import load_any_model
from tests.models.checkpoints.small import METRICS, TEXTS, outputs


def test_an_overwritten_checkpoint_is_whole(written, model_of, batch_of):
    folder, _, entries = written
    (folder / "notes.md").write_text("mine")
    newer, _ = model_of(seed=1)
    texts = {"vocab.txt": "[PAD]\n", "more.txt": "new\n"}
    write_checkpoint(folder, config=entries, model=newer, texts=texts, metrics={"best_epoch": 9})
    checkpoint = read_checkpoint(folder)
    assert checkpoint.text("vocab.txt") == "[PAD]\n"
    assert checkpoint.text("more.txt") == "new\n"
    assert checkpoint.json("metrics.json") == {"best_epoch": 9}
    batch = batch_of([7])
    np.testing.assert_array_equal(
        outputs(load_any_model(checkpoint), batch)["logits"], outputs(newer, batch)["logits"]
    )
    assert (folder / "notes.md").read_text() == "mine"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    # Nothing of the old one is left that could be taken for a part of the new.
    assert not (folder / "labels.txt").exists()
    with pytest.raises(CheckpointError, match=r"has no labels.txt"):
        checkpoint.text("labels.txt")


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"format_version": 1, "files": 5}'])
def test_a_damaged_checkpoint_can_be_overwritten(written, manifest):
    folder, model, entries = written
    outside = folder.parent / "outside"
    outside.write_text("not ours")
    if manifest is None:
        manifest = json.dumps({"format_version": 1, "files": {"../outside": {}, "gone": {}}})
    (folder / "manifest.json").write_text(manifest)
    write_checkpoint(folder, config=entries, model=model, texts=TEXTS, metrics={"best_epoch": 9})
    assert read_checkpoint(folder).json("metrics.json") == {"best_epoch": 9}
    assert outside.read_text() == "not ours"


@pytest.mark.parametrize("where", ["weights", "manifest", "rename"])
def test_an_exception_while_writing_leaves_the_old_one(
    written, model_of, batch_of, monkeypatch, where
):
    folder, model, entries = written
    newer, _ = model_of(seed=1)

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if where == "weights":
        monkeypatch.setattr(keras.saving, "save_weights", fail)
    elif where == "manifest":
        monkeypatch.setattr(module, "sha256", fail)
    else:
        monkeypatch.setattr("common.whole_files.flush_to_disk", fail)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(folder, config=entries, model=newer, texts={}, metrics={"best_epoch": 9})
    monkeypatch.undo()
    checkpoint = read_checkpoint(folder)
    assert checkpoint.json("metrics.json") == METRICS
    assert checkpoint.text("labels.txt") == TEXTS["labels.txt"]
    batch = batch_of([7])
    np.testing.assert_array_equal(
        outputs(load_any_model(checkpoint), batch)["logits"], outputs(model, batch)["logits"]
    )
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_an_exception_in_the_first_write_leaves_no_checkpoint(model_of, tmp_path, monkeypatch):
    model, entries = model_of()
    folder = tmp_path / "checkpoint"

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.saving, "save_weights", fail)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(folder, config=entries, model=model, texts=TEXTS, metrics=METRICS)
    assert list(folder.iterdir()) == []
    assert not holds_checkpoint(folder)
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(folder)


@pytest.mark.parametrize("moved", [0, 1, 3, 6])
def test_a_crash_between_the_renames(written, model_of, batch_of, tmp_path, moved):
    folder, _, entries = written
    newer, _ = model_of(seed=1)
    other = tmp_path / "other"
    texts = {"vocab.txt": "[PAD]\n", "labels.txt": "抢劫\n", "more.txt": "new\n"}
    write_checkpoint(other, config=entries, model=newer, texts=texts, metrics={"best_epoch": 9})
    other.rename(folder / ".complete")
    # The manifest is the last to move.
    names = sorted(path.name for path in (folder / ".complete").iterdir())
    names.remove("manifest.json")
    assert len(names) == 6
    for name in names[:moved]:
        (folder / ".complete" / name).replace(folder / name)

    def check():
        checkpoint = read_checkpoint(folder)
        assert {name: checkpoint.text(name) for name in texts} == texts
        assert checkpoint.json("metrics.json") == {"best_epoch": 9}
        batch = batch_of([7])
        np.testing.assert_array_equal(
            outputs(load_any_model(checkpoint), batch)["logits"], outputs(newer, batch)["logits"]
        )

    assert holds_checkpoint(folder)
    check()
    last, _ = model_of(seed=2)
    # The next write finishes what was begun, even where it fails itself.
    with pytest.raises(TypeError):
        write_checkpoint(folder, config=entries, model=last, texts={}, metrics={"x": object()})
    assert not (folder / ".complete").exists()
    check()
    write_checkpoint(folder, config=entries, model=last, texts=texts, metrics={"best_epoch": 10})
    assert read_checkpoint(folder).json("metrics.json") == {"best_epoch": 10}


@pytest.mark.parametrize("finished", [0, 1, 4, 5])
def test_a_write_that_is_stopped_between_the_renames(written, model_of, monkeypatch, finished):
    folder, _, entries = written
    newer, _ = model_of(seed=1)
    moved = []

    def replace(path, target):
        if len(moved) == finished:
            raise KeyboardInterrupt
        moved.append(path.name)
        return path.rename(target)

    monkeypatch.setattr(Path, "replace", replace)
    texts = {"vocab.txt": "[PAD]\n", "labels.txt": "抢劫\n"}
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(
            folder, config=entries, model=newer, texts=texts, metrics={"best_epoch": 9}
        )
    assert len(moved) == finished
    assert "manifest.json" not in moved
    monkeypatch.undo()
    checkpoint = read_checkpoint(folder)
    assert {name: checkpoint.text(name) for name in texts} == texts
    assert checkpoint.json("metrics.json") == {"best_epoch": 9}
    loaded = load_any_model(checkpoint).trainable_variables
    for ours, theirs in zip(loaded, newer.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_crash_before_the_first_is_published_is_no_checkpoint(written, tmp_path):
    folder, _, _ = written
    half = tmp_path / "half"
    half.mkdir()
    shutil.copytree(folder, half / ".complete.0123456789abcdef.tmp")
    assert not holds_checkpoint(half)
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(half)


def test_the_weights_of_a_compiled_model_hold_no_optimizer(model_of, batch_of, tmp_path):
    model, entries = model_of(seed=4)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    model.train_on_batch(batch_of([9]), np.array([[1, 0]], "float32"))
    write_checkpoint(tmp_path, config=entries, model=model, texts={}, metrics={})
    with h5py.File(tmp_path / "model.weights.h5", "r") as file:
        assert "optimizer" not in file
    before = model.get_weights()
    model.set_weights([np.zeros_like(weight) for weight in before])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        load_weights(model, read_checkpoint(tmp_path))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert int(model.optimizer.iterations) == 1
