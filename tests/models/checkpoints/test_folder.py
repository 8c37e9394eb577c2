"""Checkpoint folders that somebody made to do harm."""

import os

import pytest

from common.errors import CheckpointError
from common.files import sha256
from models.checkpoints import folder as module
from models.checkpoints.folder import check_against_manifest, read_checkpoint
from models.checkpoints.writing import write_checkpoint
from tests.hostile_files import sign


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "manifest.json", "vocab.txt"])
def test_a_link_in_a_checkpoint_is_not_followed(tmp_path, name):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for each in ("config.json", "model.weights.h5", "vocab.txt"):
        (folder / each).write_text('{"format_version": 1}')
    sign(folder)
    read_checkpoint(folder)
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(CheckpointError, match=f"{name}: a symbolic link"):
        read_checkpoint(folder)


def test_a_link_that_would_have_a_run_empty_another_folder(tmp_path):
    precious, folder = tmp_path / "precious", tmp_path / "checkpoint"
    precious.mkdir()
    folder.mkdir()
    for name in ("manifest.json", "config.json"):
        (precious / name).write_text('{"format_version": 1}')
    (folder / ".complete").symlink_to(precious)
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(folder)
    with pytest.raises(CheckpointError, match=r"\.complete: this is a symbolic link"):
        write_checkpoint(folder, config={}, model=None, texts={}, metrics={})
    assert len(list(precious.iterdir())) == 2


def test_a_file_is_not_hashed_where_its_size_is_wrong(tmp_path, monkeypatch):
    for each in ("config.json", "model.weights.h5"):
        (tmp_path / each).write_text('{"format_version": 1}')
    sign(tmp_path)
    os.truncate(tmp_path / "model.weights.h5", 1 << 20)
    hashed = []
    monkeypatch.setattr(module, "sha256", lambda path: hashed.append(path.name) or sha256(path))
    with pytest.raises(CheckpointError, match=r"model\.weights\.h5: truncated or altered"):
        read_checkpoint(tmp_path)
    assert hashed == ["config.json"]


def test_a_checkpoints_vocabulary_that_was_altered(tmp_path):
    for each in ("config.json", "model.weights.h5", "vocab.txt"):
        (tmp_path / each).write_text("a")
    check_against_manifest(tmp_path / "vocab.txt")  # the user's own: there is no manifest
    sign(tmp_path)
    check_against_manifest(tmp_path / "vocab.txt")
    (tmp_path / "mine.txt").write_text("b")
    check_against_manifest(tmp_path / "mine.txt")
    (tmp_path / "vocab.txt").write_text("b")
    with pytest.raises(CheckpointError, match=r"vocab\.txt: truncated or altered"):
        check_against_manifest(tmp_path / "vocab.txt")
