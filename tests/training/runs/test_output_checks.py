import os

import pytest

from common.errors import OptionError
from training.runs.output_checks import (
    check_no_foreign_files,
    check_not_input,
    check_output_file,
)
from training.runs.run_record import RunRecord


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.weights.h5", "run.json"])
def test_somebody_elses_files_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine")
    match = rf"--ckpt_dir=.*: this folder holds {name}, but no checkpoint.*--overwrite"
    with pytest.raises(OptionError, match=match):
        check_no_foreign_files(tmp_path, "ckpt_dir")


def test_a_folder_last_is_not_removed(tmp_path):
    (tmp_path / "last").mkdir()
    with pytest.raises(OptionError, match="holds last"):
        check_no_foreign_files(tmp_path, "ckpt_dir")


def test_own_files_and_others_are_in_nobodys_way(tmp_path):
    check_no_foreign_files(tmp_path / "missing", "ckpt_dir")
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / "logs").mkdir()
    check_no_foreign_files(tmp_path, "ckpt_dir")
    # A run that was killed before its first checkpoint.
    RunRecord({"options": {}}, logs="pretraining-1").write(tmp_path)
    (tmp_path / "config.json").touch()
    check_no_foreign_files(tmp_path, "ckpt_dir")


def test_an_output_is_not_the_input(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for output in (tmp_path, tmp_path / "link", tmp_path / "x" / ".."):
        with pytest.raises(OptionError, match=r"--ckpt_dir_save=.*is also the folder that is read"):
            check_not_input(output, ".", "ckpt_dir_save")
    check_not_input(tmp_path / "other", ".", "ckpt_dir_save")
    check_not_input(tmp_path, "", "ckpt_dir_save")


def test_files_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").touch()
    os.mkfifo("pipe")
    for path, message in (
        ("./in.txt", "--vectors=./in.txt: this is the input file; name another"),
        (".", "--vectors=.: this is a folder; name a file in it"),
        ("pipe", "--vectors=pipe: this is no file, but a pipe or a device; name a file"),
        ("no/out", f"--vectors=no/out: there is no folder {tmp_path}/no; create it first"),
    ):
        with pytest.raises(OptionError) as error:
            check_output_file("vectors", path, "other.txt", "in.txt")
        assert str(error.value).startswith(message)
    check_output_file("vectors", "out.npy", "in.txt", "")
    check_output_file("vectors", "in.txt")
    check_output_file("output", "pipe", "in.txt", allow_streams=True)
