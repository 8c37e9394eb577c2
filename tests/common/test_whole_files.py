import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from common import whole_files as module
from common.whole_files import remove_unfinished, whole_file, whole_folder, write_whole

ROOT = Path(__file__).parents[2]


def test_write_whole_replaces_what_was_there(tmp_path):
    path = tmp_path / "file.txt"
    write_whole(path, b"old and longer")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_write_whole_gives_the_usual_permissions(tmp_path):
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    write_whole(tmp_path / "whole", b"x")
    assert stat.S_IMODE((tmp_path / "whole").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_write_whole_keeps_the_permissions_of_the_old_file(tmp_path):
    path = tmp_path / "private"
    path.touch(0o600)
    write_whole(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_write_whole_replaces_a_link_and_not_what_it_points_to(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    write_whole(tmp_path / "link", b"x")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "link").read_text() == "x"


def test_write_whole_leaves_the_old_file_and_nothing_else_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_whole(path, b"old")

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space") as caught:
        write_whole(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_an_exception_in_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_whole(path, b"old")
    with pytest.raises(KeyError), whole_file(path) as file:
        file.write(b"half")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_folder_that_is_missing_is_named_by_the_file_in_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "missing" / "file.txt", b"")
    assert caught.value.filename == str(tmp_path / "missing" / "file.txt")


@pytest.mark.parametrize("before", ["nothing", "empty"])
def test_whole_folder(tmp_path, before):
    path = tmp_path / "made" / "folder"
    if before == "empty":
        path.mkdir(parents=True)
    with whole_folder(path) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("new")
        assert not (path / "inner").exists()
    assert (path / "inner" / "file").read_text() == "new"
    assert os.listdir(path.parent) == ["folder"]


def test_whole_folder_takes_the_place_of_another_only_where_it_may(tmp_path):
    path = tmp_path / "folder"
    for name, replace in (("a", False), ("b", True)):
        with whole_folder(path, replace=replace) as folder:
            (folder / name).touch()
    with pytest.raises(OSError, match="not empty"), whole_folder(path) as folder:
        (folder / "c").touch()
    assert os.listdir(path) == ["b"]
    assert os.listdir(tmp_path) == ["folder"]


def test_an_exception_in_the_block_leaves_the_old_folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(KeyError), whole_folder(path, replace=True) as folder:
        (folder / "new").touch()
        raise KeyError
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    kept = [".run.json.mine.tmp", ".run.json.0123456789abcdef.txt", "run.json", ".other.tmp"]
    for name in (*kept, ".run.json.0123456789abcdef.tmp"):
        (tmp_path / name).touch()
    (tmp_path / ".run.json.fedcba9876543210.tmp").mkdir()
    (tmp_path / ".run.json.fedcba9876543210.tmp" / "half").touch()
    remove_unfinished(tmp_path / "run.json")
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


@pytest.mark.parametrize("write", [whole_file, whole_folder])
def test_an_error_of_another_library_that_is_the_disks(tmp_path, write):
    with (
        pytest.raises(OSError, match="No space left") as caught,
        write(tmp_path / "export"),
    ):
        raise RuntimeError(f"RESOURCE_EXHAUSTED: part 0; {os.strerror(errno.ENOSPC)}")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "export"))
    with pytest.raises(RuntimeError, match="another"), write(tmp_path / "export"):
        raise RuntimeError("another one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [whole_file, whole_folder])
def test_what_a_killed_process_left_is_removed_when_the_same_is_written_again(tmp_path, write):
    leftover = tmp_path / ".out.0123456789abcdef.tmp"
    leftover.touch() if write is whole_file else leftover.mkdir()
    with write(tmp_path / "out"):
        assert not leftover.exists()
        # What is being written now is not touched by a second writer.
        with write(tmp_path / "out"):
            assert len(os.listdir(tmp_path)) == 2
        assert len(os.listdir(tmp_path)) == 2


def test_without_locks_files_are_written_all_the_same(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    (tmp_path / ".out.0123456789abcdef.tmp").touch()
    write_whole(tmp_path / "out", b"x")
    # It may be anybody's.
    assert len(os.listdir(tmp_path)) == 2


def replace_in_another_process(folder, change):
    """Replaces a folder in a process that `change` may kill; returns its exit status."""
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from common import whole_files as module

        def kill():
            os.kill(os.getpid(), signal.SIGKILL)

        {change}
        with module.whole_folder(Path(sys.argv[1]), replace=True) as incoming:
            (incoming / "new").touch()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("module._exchange = lambda *folders: kill()", "old"),
        ("module.shutil.rmtree = lambda *folders, **how: kill()", "new"),
    ],
)
def test_a_kill_while_a_folder_is_replaced(tmp_path, change, left):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").touch()
    assert replace_in_another_process(folder, change) == -signal.SIGKILL
    assert os.listdir(folder) == [left]
    # The next process removes what is left over.
    assert len(os.listdir(tmp_path)) == 2
    assert replace_in_another_process(folder, "pass") == 0
    assert (os.listdir(tmp_path), os.listdir(folder)) == (["out"], ["new"])


def test_a_kill_between_two_renames_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").touch()
    monkeypatch.setattr(module, "_exchange_names", lambda one, other: False)
    with whole_folder(folder, replace=True) as incoming:
        (incoming / "between").touch()
    assert (os.listdir(tmp_path), os.listdir(folder)) == (["out"], ["between"])
    folder.rename(tmp_path / ".out.0123456789abcdef.old")
    with pytest.raises(KeyError), whole_folder(folder, replace=True):
        raise KeyError
    assert (os.listdir(tmp_path), os.listdir(folder)) == (["out"], ["between"])


def test_systems_that_cannot_exchange_names(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    with pytest.raises(FileNotFoundError):
        module._exchange_names(tmp_path / "a", tmp_path / "missing")
    monkeypatch.setattr(module.ctypes, "CDLL", lambda *arguments, **how: object())
    assert not module._exchange_names(tmp_path / "a", tmp_path / "b")
    assert os.listdir(tmp_path / "a") == ["a"]
