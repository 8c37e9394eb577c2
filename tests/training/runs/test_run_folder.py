import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from common.errors import CheckpointError, OptionError, TrainingError
from models.checkpoints.folder import read_checkpoint
from training.loop.training_state import TrainingState
from training.options.scripts import PretrainingOptions
from training.runs import run_folder as module
from training.runs import run_lock, run_record
from training.runs.run_folder import RunFolder
from training.runs.run_lock import RunLock


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("被告人盗窃。\n", encoding="utf-8")
    return path


def options_of(folder, text=None, **changes):
    files = [str(text)] if text else []
    return PretrainingOptions(ckpt_dir=str(folder), mask_lm_source_file=files, **changes)


def folder_of(path, text=None, vocabulary="[PAD]\n", **changes):
    folder = RunFolder(options_of(path, text, **changes), "ckpt_dir")
    folder.set_metadata({"stage": "pretraining"}, {"vocab.txt": vocabulary})
    return folder


def begun(path, model, text=None, *, finished=False, **changes):
    """A run that wrote a checkpoint."""
    with folder_of(path, text, **changes) as folder:
        folder.begin("pretraining")
        folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
        if finished:
            folder.finish(model, {"best_epoch": 1}, {})


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


def test_an_unfinished_run_goes_on_and_a_finished_one_does_not(tmp_path, model, text, caplog):
    caplog.set_level("INFO")
    begun(tmp_path / "out", model, text)
    # Neither of these changes the result; nor does it matter where the same text lies.
    moved = text.rename(tmp_path / "moved.txt")
    changes = {"process_num": 3, "data_path": "elsewhere", "save_every_steps": 7}
    with folder_of(tmp_path / "out", moved, **changes) as folder:
        assert not folder.finished
        assert folder.begin("pretraining").json("training_state.json") == {"epoch": 1}
        folder.finish(model, {"best_epoch": 1, "end": True}, {})
    with folder_of(tmp_path / "out", moved) as folder:
        assert folder.finished
        assert folder.metrics() == {"best_epoch": 1, "end": True}
    assert "already finished, nothing to do (--overwrite starts over, a" in caplog.messages[-1]
    (logs,) = (tmp_path / "out" / "logs").iterdir()
    assert logs.name.startswith("pretraining-2")


@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_refused_with_what_differs(tmp_path, model, text, finished):
    begun(tmp_path / "out", model, text, finished=finished)
    start = r"--ckpt_dir=.*holds a checkpoint of another run: "
    with (
        pytest.raises(OptionError, match=start + r"--batch_size=64 there, 32 here; --seed=42") as e,
        folder_of(tmp_path / "out", text, batch_size=32, seed=1),
    ):
        pass
    assert "--overwrite" in str(e.value)
    with (
        pytest.raises(OptionError, match=r"--d_model=\(not given\) there, 64 here"),
        folder_of(tmp_path / "out", text, d_model=64),
    ):
        pass
    text.write_text("被告人诈骗。\n", encoding="utf-8")
    with (
        pytest.raises(OptionError, match=r"--mask_lm_source_file: other text \(.*text.txt"),
        folder_of(tmp_path / "out", text),
    ):
        pass
    # It is given free again, and as it was.
    assert not (tmp_path / "out" / ".lock").exists()
    assert read_checkpoint(tmp_path / "out").json("metrics.json") == {"best_epoch": 1}


def trained(path, model, text, epochs, **changes):
    """A finished run of so many epochs."""
    state = TrainingState("pretraining", epoch=epochs, ended=True).to_dict()
    with folder_of(path, text, num_epochs=epochs, **changes) as folder:
        folder.begin("pretraining")
        folder.save(model, {"best_epoch": 1}, state, best=True)
        folder.finish(model, {"best_epoch": 1}, {})


def test_more_epochs_resume_a_run(tmp_path, model, text):
    trained(tmp_path / "out", model, text, epochs=3)
    with (
        pytest.raises(OptionError, match=r"--num_epochs=2: .*already trained 3 epochs"),
        folder_of(tmp_path / "out", text, num_epochs=2),
    ):
        pass
    with (
        pytest.raises(OptionError, match=r"another run: --seed=42 there, 1 here\."),
        folder_of(tmp_path / "out", text, num_epochs=4, seed=1),
    ):
        pass
    with folder_of(tmp_path / "out", text, num_epochs=3) as folder:
        assert folder.finished
    with folder_of(tmp_path / "out", text, num_epochs=5) as folder:
        assert not folder.finished
        assert folder.begin("pretraining").json("training_state.json")["epoch"] == 3
        (logs,) = (tmp_path / "out" / "logs").iterdir()
        assert folder.logs == logs
    # Killed there, the run is one of five epochs, or of any other number above three.
    with folder_of(tmp_path / "out", text, num_epochs=5) as folder:
        assert not folder.finished
    with folder_of(tmp_path / "out", text, num_epochs=4) as folder:
        folder.begin("pretraining")
        folder.finish(model, {"best_epoch": 1}, {})
    with folder_of(tmp_path / "out", text, num_epochs=4) as folder:
        assert folder.finished
    shutil.rmtree(tmp_path / "out" / "last")
    with (
        pytest.raises(OptionError, match=r"no checkpoint in .*last any more.*--num_epochs=9"),
        folder_of(tmp_path / "out", text, num_epochs=9),
    ):
        pass


def test_another_vocabulary_is_refused(tmp_path, model):
    begun(tmp_path / "out", model)
    with (
        pytest.raises(OptionError, match=r"another vocab.txt \(1 lines there, 2 here\)"),
        folder_of(tmp_path / "out", vocabulary="[PAD]\n被告人\n") as folder,
    ):
        folder.begin("pretraining")


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


def test_one_run_at_a_time(tmp_path, model):
    with (
        folder_of(tmp_path / "out"),
        pytest.raises(OptionError, match=rf"another run \(process {os.getpid()}\) is writing"),
        folder_of(tmp_path / "out", overwrite=True),
    ):
        pass
    with folder_of(tmp_path / "out"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, 524, errno.EIO, errno.ENOSYS])
def test_a_file_system_without_locks(tmp_path, monkeypatch, caplog, number):
    # As NFS, Lustre and some containers answer; 524 is ENOTSUPP, which has no name here.
    def fail(*arguments):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", fail)
    lock = RunLock(tmp_path, "ckpt_dir")
    assert "the folder cannot be locked (no locks here): start only one run" in caplog.text
    assert lock.is_in_place()
    lock.release()
    assert not list(tmp_path.iterdir())


def test_a_killed_process_locks_nothing(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from training.runs.run_lock import RunLock\n"
        "lock = RunLock(Path(sys.argv[1]), 'ckpt_dir'); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=os.getcwd()
    ) as child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(OptionError, match=f"process {child.pid}"), folder_of(tmp_path):
            pass
        child.kill()
    assert (tmp_path / ".lock").exists()
    with folder_of(tmp_path):
        pass


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


@pytest.mark.parametrize("name", ["第一次 运行", os.fsdecode(b"not UTF-8: \xff")])
def test_names_with_spaces_and_other_characters(tmp_path, model, text, name):
    folder, text = tmp_path / "my runs" / name, text.rename(tmp_path / name)
    begun(folder, model, text)
    with folder_of(folder, text) as run:
        assert run.begin("pretraining").json("training_state.json") == {"epoch": 1}


@pytest.mark.parametrize("name", ["last", "logs", ".lock"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_in_the_folder_is_not_written_through(tmp_path, model, name, overwrite):
    begun(tmp_path / "out", model)
    path, elsewhere = tmp_path / "out" / name, tmp_path / "elsewhere"
    if name == ".lock":
        elsewhere.write_text("precious")
    else:
        path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = contents(tmp_path)
    match = rf"--ckpt_dir=.*: {name} in it is a symbolic link"
    with (
        pytest.raises(OptionError, match=match),
        folder_of(tmp_path / "out", overwrite=overwrite) as folder,
    ):
        folder.begin("pretraining")
    assert contents(tmp_path) == before
    # One that leads nowhere would be made.
    path.unlink()
    path.symlink_to(tmp_path / "missing")
    with pytest.raises(OptionError, match=match), folder_of(tmp_path / "out"):
        pass
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("split", [None, "train", "valid"])
def test_a_link_in_the_runs_own_logs_is_not_written_through(tmp_path, model, split):
    begun(tmp_path / "out", model)
    (logs,) = (tmp_path / "out" / "logs").iterdir()
    (tmp_path / "elsewhere").mkdir()
    if split is None:
        logs.rmdir()
    (logs if split is None else logs / split).symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path)
    with (
        pytest.raises(OptionError, match=r"--ckpt_dir=.*logs/pretraining-.* is a symbolic link"),
        folder_of(tmp_path / "out") as folder,
    ):
        folder.begin("pretraining")
    assert contents(tmp_path) == before


def contents(folder):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.name != ".lock" or path.is_symlink()
    }


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    for overwrite in (False, True):
        with (
            pytest.raises(OptionError, match=r"--ckpt_dir=.*this is a file"),
            folder_of(tmp_path / "file", overwrite=overwrite),
        ):
            pass
        with pytest.raises(OptionError, match="--ckpt_dir= is empty"):
            folder_of("", overwrite=overwrite)


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


def test_a_lock_that_is_somebody_elses_file_is_not_overwritten(tmp_path):
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", tmp_path / ".lock")
    with pytest.raises(OptionError, match=r"\.lock in it is not a file of its own"):
        folder_of(tmp_path).__enter__()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_folder_that_is_moved_away_is_not_made_anew(tmp_path, model):
    with folder_of(tmp_path / "out") as folder:
        folder.begin("pretraining")
        (tmp_path / "out").rename(tmp_path / "moved")
        with pytest.raises(TrainingError, match="was moved or removed"):
            folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


def test_the_lock_of_a_folder_that_took_the_place_of_another_stays(tmp_path):
    with folder_of(tmp_path / "out"):
        (tmp_path / "out").rename(tmp_path / "moved")
        second = folder_of(tmp_path / "out")
        second.__enter__()
    # The first run has ended, and left the second one's lock alone.
    with pytest.raises(OptionError, match="another run"):
        folder_of(tmp_path / "out").__enter__()
    second.__exit__(None, None, None)


def test_the_end_of_a_lock_hides_no_error(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(TrainingError, match="the real one"), folder_of(tmp_path):
        monkeypatch.setattr(Path, "unlink", fail)
        raise TrainingError("the real one")


def test_a_lock_that_is_removed_between_opening_and_locking_is_made_anew(tmp_path, monkeypatch):
    # Its owner ends in between: what was opened is a file without a name.
    lock, calls = run_lock.lock_descriptor, []

    def late(descriptor, blocking):
        if not calls:
            (tmp_path / ".lock").unlink()
        calls.append(descriptor)
        return lock(descriptor, blocking=blocking)

    monkeypatch.setattr(run_lock, "lock_descriptor", late)
    with folder_of(tmp_path):
        assert len(calls) == 2
        monkeypatch.undo()
        with pytest.raises(OptionError, match="another run"):
            folder_of(tmp_path).__enter__()


@pytest.mark.parametrize("kind", ["pipe", "device", "deep", "array"])
def test_a_record_that_is_none_does_not_hold_a_run(tmp_path, model, kind):
    begun(tmp_path / "out", model)
    record = tmp_path / "out" / "run.json"
    record.unlink()
    if kind == "pipe":
        os.mkfifo(record)
    elif kind == "device":
        record.symlink_to("/dev/zero")
    else:
        record.write_text("[" * 100_000 if kind == "deep" else "[1]")
    with (
        pytest.raises(OptionError, match="not the files that are needed to resume its run"),
        folder_of(tmp_path / "out"),
    ):
        pass
