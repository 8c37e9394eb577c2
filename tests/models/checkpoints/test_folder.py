"""Checkpoint folders that are damaged, or that somebody made to do harm."""

import json
import os

import pytest

from common.errors import CheckpointError
from common.files import sha256
from models.checkpoints import folder as module
from models.checkpoints.folder import check_against_manifest, read_checkpoint
from models.checkpoints.writing import write_checkpoint
from tests.hostile_files import sign
from tests.models.checkpoints.small import change_config


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


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such checkpoint folder"):
        read_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="there is no such checkpoint folder"):
        read_checkpoint(tmp_path / "file")


@pytest.mark.parametrize("name", ["model.weights.h5", "vocab.txt", "config.json", "metrics.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_damaged_files_are_named(written, name, damage):
    folder, _, _ = written
    data = bytearray((folder / name).read_bytes())
    if damage == "cut":
        (folder / name).write_bytes(data[:-3])
    elif damage == "flip":
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    else:
        (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name) as caught:
        read_checkpoint(folder)
    assert ("is missing" if damage == "remove" else "truncated or altered") in str(caught.value)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        '{"format_version": 2, "files": {}}',
        '{"format_version": 1}',
        '{"format_version": 1, "files": {}}',
        '{"format_version": 1, "files": []}',
    ],
)
def test_manifests_that_are_none(written, manifest):
    folder, _, _ = written
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(CheckpointError, match=str(folder)):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("config.json", {}, "truncated or altered"),
        ("config.json", 5, "truncated or altered"),
        ("config.json", {"bytes": "many", "sha256": None}, "truncated or altered"),
        (
            "../outside",
            {"bytes": 1, "sha256": ""},
            "'../outside', which is not a file name",
        ),
        ("/etc/hostname", {"bytes": 1, "sha256": ""}, "hostname', which is not a file name"),
    ],
)
def test_manifests_that_tell_wrong_things(written, name, entry, message):
    folder, _, _ = written
    (folder.parent / "outside").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = entry
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(folder)


@pytest.mark.parametrize("value", [None, "yes", 1, [], {}])
def test_settings_that_were_altered_by_hand(written, value):
    folder, _, _ = written
    change_config(folder, test_mode=value)
    checkpoint = read_checkpoint(folder)
    with pytest.raises(CheckpointError, match=r"config\.json: test_mode must be true or false"):
        checkpoint.setting("test_mode", bool)
    with pytest.raises(CheckpointError, match=r"config\.json: the key sequence_length is missing"):
        checkpoint.setting("sequence_length", int)
    change_config(folder, test_mode=True, sequence_length=True)
    checkpoint = read_checkpoint(folder)
    assert checkpoint.setting("test_mode", bool) is True
    with pytest.raises(CheckpointError, match="sequence_length must be a whole number, not True"):
        checkpoint.setting("sequence_length", int)
