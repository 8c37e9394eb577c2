import keras
import numpy as np
import pytest

from models.checkpoint import CheckpointError, read_checkpoint
from training.options import OptionError
from training.run_folder import RunFolder, check_free


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def folder_of(path, overwrite=False):
    folder = RunFolder(str(path), "ckpt_dir", overwrite=overwrite)
    folder.describe({"stage": "pretraining"}, {"vocab.txt": "[PAD]\n"})
    return folder


def test_nothing_is_written_before_the_first_checkpoint(tmp_path):
    folder_of(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_last_and_best(tmp_path, model):
    folder = folder_of(tmp_path / "out")
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
    folder = folder_of(tmp_path)
    folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
    folder.finish(model, {"best_epoch": 1, "test": {}}, {"test_labels.csv": "label\n"})
    best = read_checkpoint(tmp_path)
    assert best.json("metrics.json") == {"best_epoch": 1, "test": {}}
    assert best.text("test_labels.csv") == "label\n"
    assert best.text("vocab.txt") == "[PAD]\n"


def test_an_older_checkpoint_is_kept_unless_told(tmp_path, model):
    folder_of(tmp_path).save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
    with pytest.raises(OptionError, match=r"--ckpt_dir=.*already holds a checkpoint.*--overwrite"):
        folder_of(tmp_path)
    folder_of(tmp_path, overwrite=True).save(model, {"best_epoch": 5}, {}, best=True)
    assert read_checkpoint(tmp_path).json("metrics.json") == {"best_epoch": 5}


def test_other_files_are_no_checkpoint(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    folder_of(tmp_path)
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(OptionError, match=r"--ckpt_dir=.*this is a file"):
            check_free(str(tmp_path / "file"), "ckpt_dir", overwrite=overwrite)
        with pytest.raises(OptionError, match="--ckpt_dir_save= is empty"):
            check_free("", "ckpt_dir_save", overwrite=overwrite)
    check_free(str(tmp_path / "new" / "folder"), "ckpt_dir", overwrite=False)
