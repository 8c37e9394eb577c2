import shutil
import subprocess

import pytest

from benchmarks.fault_test import CacheWriter, FileWriter, full_disks, kills, outcome

WRITERS = [CacheWriter(), FileWriter()]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_kill_at_each_rename_loses_nothing(writer):
    assert list(kills(writer)) == ["killed", "written"]


@pytest.mark.parametrize("writer", WRITERS)
def test_full_disks_lose_nothing(writer, tmp_path):
    command = ["mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    subprocess.run(["umount", str(tmp_path)], check=True)
    found = list(full_disks(writer, 4))
    assert len(found) == 4
    assert found[0] == "refused"
    assert set(found) <= {"refused", "written"}


def test_what_is_lost_or_crashes_is_told(tmp_path):
    writer = FileWriter()
    writer.write(tmp_path, 1)
    assert outcome(writer, tmp_path, lambda: 1 / 0) == "crashed"
    assert outcome(writer, tmp_path, lambda: None) == "lost"
    assert outcome(writer, tmp_path, lambda: writer.write(tmp_path, 2)) == "written"
    assert outcome(writer, tmp_path, (tmp_path / "labels.jsonl").unlink) == "lost"
