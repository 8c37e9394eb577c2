"""Folders that cannot be written to, and disks that are full."""

import errno
import os
import shutil
import subprocess

import keras
import pytest

from common.errors import OptionError, TrainingError
from models.checkpoints.folder import read_checkpoint
from tests.training.runs.folders import begun, folder_of
from training.runs import run_folder as module
from training.runs import run_record


@pytest.mark.parametrize("where", ["last", "out"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_write_that_fails(tmp_path, model, monkeypatch, number, where):
    begun(tmp_path / "out", model)
    write = module.write_checkpoint

    def fail(path, **kwargs):
        if path.name == where:
            raise OSError(number, os.strerror(number))
        write(path, **kwargs)

    with folder_of(tmp_path / "out") as folder:
        folder.begin("pretraining")
        monkeypatch.setattr(module, "write_checkpoint", fail)
        with pytest.raises(TrainingError) as raised:
            folder.save(model, {}, {"epoch": 2}, best=True)
    message = str(raised.value)
    assert f"--ckpt_dir={tmp_path / 'out'}: cannot be written to ({os.strerror(number)})" in message
    assert "the last good checkpoint is kept, and the same command resumes" in message
    # The last checkpoint is written first, the best one after it.
    state = {"epoch": 1 if where == "last" else 2}
    assert read_checkpoint(tmp_path / "out" / "last").json("training_state.json") == state


@pytest.mark.parametrize("name", ["new_log_folder", "run_record.write_whole"])
def test_a_beginning_that_cannot_be_written(tmp_path, monkeypatch, name):
    def fail(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    within = run_record if "." in name else module
    monkeypatch.setattr(within, name.rpartition(".")[2], fail)
    with (
        folder_of(tmp_path / "out") as folder,
        pytest.raises(TrainingError, match=r"No space left on device.*there is no checkpoint yet"),
    ):
        folder.begin("pretraining")


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small file system, where the machine allows it."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def test_a_full_disk(mounted):
    folder = mounted("size=1m")
    model = keras.Sequential([keras.layers.Input((100,)), keras.layers.Dense(1000)])
    model.compile(optimizer="sgd", loss="mse")
    with folder_of(folder / "out") as run:
        run.begin("pretraining")
        run.save(model, {"best_epoch": 1}, {"epoch": 1}, best=False)
        # The old and the new one do not fit beside the best.
        with pytest.raises(TrainingError, match=r"No space left on device.*last good checkpoint"):
            for epoch in range(2, 5):
                run.save(model, {"best_epoch": epoch}, {"epoch": epoch}, best=True)
        kept = read_checkpoint(folder / "out" / "last")
        assert kept.json("training_state.json")["epoch"] in (1, 2)
        assert not list(folder.rglob(".complete*"))


def test_a_folder_that_cannot_be_written_to(mounted):
    folder = mounted("size=1m,ro")
    with (
        pytest.raises(OptionError, match=r"--ckpt_dir=.*cannot be created \(Read-only"),
        folder_of(folder / "out"),
    ):
        pass
    with (
        pytest.raises(TrainingError, match=r"--ckpt_dir=.*cannot be written to \(Read-only"),
        folder_of(folder),
    ):
        pass
