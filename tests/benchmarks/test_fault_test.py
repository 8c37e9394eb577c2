import os
import shutil
import subprocess
import sys

import pytest

from benchmarks.lib import faults
from benchmarks.lib.fault_writers import CacheWriter, FileWriter
from benchmarks.lib.faults import full_disks, kills, outcome, publications
from common.errors import InputError

WRITERS = [CacheWriter(), FileWriter()]


@pytest.fixture(autouse=True)
def _without_exit_handlers(monkeypatch):
    # Other tests in this process have loaded libraries, some of which (ONNX Runtime) wait at exit
    # for their threads. A fork has none.
    monkeypatch.setattr(faults, "_exit", os._exit)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_kill_at_each_rename_and_removal_loses_nothing(writer):
    *killed, last = kills(writer)
    assert last == "written"
    assert killed and set(killed) == {"killed"}


@pytest.mark.parametrize("writer", WRITERS)
def test_full_disks_lose_nothing(writer, tmp_path):
    command = ["mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    subprocess.run(["umount", str(tmp_path)], check=True)
    found = list(full_disks(writer, 3))
    assert found[0] == "refused"
    assert found[-1] == "written"
    assert set(found) <= {"refused", "written"}


def test_what_is_lost_or_crashes_is_told(tmp_path, capfd):
    writer = FileWriter()
    writer.write(tmp_path, 1)

    def refused(message):
        raise InputError(message)

    assert outcome(writer, tmp_path, lambda: 1 / 0) == "crashed"
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert outcome(writer, tmp_path, lambda: sys.exit(3)) == "crashed"
    assert outcome(writer, tmp_path, lambda: refused("somewhere")) == "crashed"
    assert outcome(writer, tmp_path, lambda: refused(f"in {tmp_path}")) == "refused"
    assert outcome(writer, tmp_path, lambda: None) == "lost"
    assert outcome(writer, tmp_path, lambda: writer.write(tmp_path, 2)) == "written"
    (tmp_path / ".labels.tmp").touch()
    assert outcome(writer, tmp_path, lambda: None) == "left over"
    assert outcome(writer, tmp_path, (tmp_path / "labels.jsonl").unlink) == "lost"


def test_readers_while_a_file_is_replaced():
    class Broken(FileWriter):
        def write(self, folder, number):
            (folder / "labels.jsonl").write_bytes(b"1 half\n")

    written, reads, failed = publications(FileWriter(), 1, 0.2)
    assert written > 1
    assert (reads > 0, failed) == (True, 0)
    assert publications(Broken(), 1, 0.2)[2] == 1
