"""One run at a time in a folder."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import OptionError, TrainingError
from tests.training.runs.folders import folder_of
from training.runs import run_lock
from training.runs.run_lock import RunLock


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


def test_a_lock_that_is_somebody_elses_file_is_not_overwritten(tmp_path):
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", tmp_path / ".lock")
    with pytest.raises(OptionError, match=r"\.lock in it is not a file of its own"):
        folder_of(tmp_path).__enter__()
    assert (tmp_path / "precious").read_text() == "mine"


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
