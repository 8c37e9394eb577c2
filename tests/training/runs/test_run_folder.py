"""What a run writes into its folder, replaces there, and leaves."""

import json
import os
import shutil

import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from models.checkpoints.folder import read_checkpoint
from tests.training.runs.folders import begun, folder_of


def test_nothing_is_left_of_a_run_that_did_not_begin(tmp_path):
    with folder_of(tmp_path / "new" / "out") as folder:
        assert (tmp_path / "new" / "out").is_dir()
        assert not folder.finished
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with folder_of(tmp_path / "there"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_last_and_best(tmp_path, model):
    with folder_of(tmp_path / "out") as folder:
        assert folder.begin("pretraining") is None
        folder.save(model, {"best_epoch": 0}, {"epoch": 1}, best=False)
        last = read_checkpoint(tmp_path / "out" / "last")
        assert set(last.files) == {
            *("config.json", "vocab.txt", "metrics.json", "model.weights.h5"),
            *("optimizer.h5", "training_state.json"),
        }
        assert last.config["stage"] == "pretraining"
        with pytest.raises(CheckpointError):
            read_checkpoint(tmp_path / "out")
        folder.save(model, {"best_epoch": 2}, {"epoch": 2}, best=True)
        best = read_checkpoint(tmp_path / "out")
        assert best.json("metrics.json") == {"best_epoch": 2}
        assert best.text("vocab.txt") == "[PAD]\n"
        # A third epoch that isn't better leaves the best alone.
        model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
        folder.save(model, {"best_epoch": 2, "more": 1}, {"epoch": 3}, best=False)
    assert read_checkpoint(tmp_path / "out").json("metrics.json") == {"best_epoch": 2}
    assert read_checkpoint(tmp_path / "out" / "last").json("metrics.json")["more"] == 1


def test_finish_adds_reports(tmp_path, model):
    with folder_of(tmp_path / "out") as folder:
        folder.begin("pretraining")
        folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
        folder.finish(model, {"best_epoch": 1, "test": {}}, {"test_labels.csv": "label\n"})
    best = read_checkpoint(tmp_path / "out")
    assert best.json("metrics.json") == {"best_epoch": 1, "test": {}}
    assert best.text("test_labels.csv") == "label\n"
    assert best.text("vocab.txt") == "[PAD]\n"


def test_overwrite_starts_over(tmp_path, model):
    begun(tmp_path / "out", model, finished=True)
    with folder_of(tmp_path / "out", overwrite=True, seed=5) as folder:
        assert not folder.finished
        # Until the new run has a best checkpoint, the old one is there for whoever needs it.
        assert folder.begin("pretraining") is None
        assert not (tmp_path / "out" / "last").exists()
        assert read_checkpoint(tmp_path / "out").json("metrics.json") == {"best_epoch": 1}
    # Killed there, the new run begins again, and not the old one.
    with folder_of(tmp_path / "out", seed=5) as folder:
        assert not folder.finished
        assert folder.begin("pretraining") is None
        folder.save(model, {"best_epoch": 5}, {}, best=True)
    assert read_checkpoint(tmp_path / "out").json("metrics.json") == {"best_epoch": 5}


def test_a_checkpoint_without_its_run_is_kept_unless_told(tmp_path, model):
    begun(tmp_path / "out", model, finished=True)
    (tmp_path / "out" / "run.json").write_text("{}")
    match = r"--ckpt_dir=.*already holds a checkpoint.*--overwrite"
    with pytest.raises(OptionError, match=match), folder_of(tmp_path / "out"):
        pass
    with folder_of(tmp_path / "out", overwrite=True) as folder:
        assert folder.begin("pretraining") is None


def test_a_run_that_lost_nothing_yet_is_in_nobodys_way(tmp_path, model):
    with folder_of(tmp_path / "out") as folder:
        folder.begin("pretraining")
    with folder_of(tmp_path / "out", seed=7) as folder:
        assert folder.begin("pretraining") is None
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["identity"]["options"]["seed"] == 7


def test_what_a_killed_run_left_is_removed(tmp_path, model):
    begun(tmp_path / "out", model)
    out = tmp_path / "out"
    unfinished = ".complete.0123456789abcdef.tmp"
    for half in (out / unfinished, out / "last" / unfinished, out / ".removed-3"):
        shutil.copytree(tmp_path / "out" / "last", half)
    (out / ".run.json.0123456789abcdef.tmp").write_text("{")
    (out / ".lock").write_text("4\n")
    (out / ".mine").write_text("not ours")
    begun(out, model)
    names = {path.name for path in out.rglob(".*")}
    assert names == {".mine"}


@pytest.mark.parametrize("name", ["第一次 运行", os.fsdecode(b"not UTF-8: \xff")])
def test_names_with_spaces_and_other_characters(tmp_path, model, text, name):
    folder, text = tmp_path / "my runs" / name, text.rename(tmp_path / name)
    begun(folder, model, text)
    with folder_of(folder, text) as run:
        assert run.begin("pretraining").json("training_state.json") == {"epoch": 1}


def test_other_files_are_no_checkpoint(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    with folder_of(tmp_path):
        pass
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_what_a_run_would_replace_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("mine")
    with pytest.raises(OptionError, match=r"holds vocab\.txt"), folder_of(tmp_path):
        pass
    with folder_of(tmp_path, overwrite=True):
        pass
    for overwrite in (False, True):
        with (
            pytest.raises(OptionError, match=r"--ckpt_dir=.*is also the folder that is read"),
            folder_of(tmp_path, overwrite=overwrite, init_ckpt_dir=f"{tmp_path}/."),
        ):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["vocab.txt"]
