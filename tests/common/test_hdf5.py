"""Checkpoints that someone made to do harm."""

import os

import h5py
import numpy as np
import pytest

from common.errors import CheckpointError
from common.hdf5 import array_shapes, is_plain_name, read_json, sha256
from tests.hostile_files import HOSTILE_ARRAYS, damage_string, run_with_memory, sign


def write(path, libver="earliest"):
    with h5py.File(path, "w", libver=libver) as file:
        file["head/scores/vars/0"] = np.zeros((2, 3), np.float32)
        file["seed/vars/0"] = np.uint32(7)
        file.create_dataset("empty", (0, 5), np.float32)
    return path


def test_honest_weights(tmp_path):
    shapes = array_shapes(write(tmp_path / "a.h5"), max_elements=7)
    assert shapes == {"head/scores/vars/0": (2, 3), "seed/vars/0": (), "empty": (0, 5)}


def test_more_numbers_than_there_may_be(tmp_path):
    with pytest.raises(CheckpointError, match=r"a\.h5: its arrays have more than 6 numbers"):
        array_shapes(write(tmp_path / "a.h5"), max_elements=6)


@pytest.mark.parametrize("kind", HOSTILE_ARRAYS)
def test_arrays_that_are_elsewhere_or_enormous(tmp_path, kind):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        HOSTILE_ARRAYS[kind](file, "head/scores/vars/1")
    with pytest.raises(CheckpointError, match=r"a\.h5: 'head/scores/vars/1' is .*nothing of it"):
        array_shapes(path, max_elements=10**18)


def test_a_group_that_holds_itself(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["head/again"] = file["head"]
    with pytest.raises(CheckpointError, match="'head/again' is there under another name too"):
        array_shapes(path, max_elements=10**9)
    with h5py.File(write(path), "r+") as file:
        file["head/root"] = file["/"]
    with pytest.raises(CheckpointError, match="'head/root' is there under another name too"):
        array_shapes(path, max_elements=10**9)


def test_more_objects_than_a_model_has(tmp_path, monkeypatch):
    monkeypatch.setattr("common.hdf5._MAX_OBJECTS", 8)
    array_shapes(write(tmp_path / "a.h5"), max_elements=7)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.create_group("more")
    with pytest.raises(CheckpointError, match="more than 8 groups and arrays"):
        array_shapes(tmp_path / "a.h5", max_elements=7)


def test_a_link_to_a_group_elsewhere(tmp_path):
    path = write(tmp_path / "a.h5")
    write(tmp_path / "other.h5")
    with h5py.File(path, "r+") as file:
        file["vars"] = h5py.ExternalLink("other.h5", "/head")
    with pytest.raises(CheckpointError, match="'vars' is a link"):
        array_shapes(path, max_elements=100)


@pytest.mark.parametrize("place", ["/", "head", "head/scores/vars/0"])
def test_an_attribute_that_is_not_small(tmp_path, place):
    path = write(tmp_path / "a.h5", libver="latest")
    with h5py.File(path, "r+", libver="latest") as file:
        file[place].attrs.create("variable", np.zeros(10**5, "i8"))
    with pytest.raises(CheckpointError, match=r"the attribute 'variable' of .* is too large"):
        array_shapes(path, max_elements=100)


def test_the_attribute_that_keras_would_read(tmp_path):
    with h5py.File(write(tmp_path / "a.h5"), "r+") as file:
        file["head/scores/vars/0"].attrs["variable"] = "kernel"
        array_shapes(tmp_path / "a.h5", max_elements=100)
        file["head/scores/vars/0"].attrs["dtype"] = "bfloat16"
    with pytest.raises(CheckpointError, match="'head/scores/vars/0' has an attribute `dtype`"):
        array_shapes(tmp_path / "a.h5", max_elements=100)


def test_a_string_on_which_the_library_runs_for_ever(tmp_path):
    for name in ("variable", "dtype"):
        with h5py.File(write(tmp_path / f"{name}.h5"), "r+") as file:
            file["head/scores/vars/0"].attrs[name] = "bfloat16"
        damage_string(tmp_path / f"{name}.h5")
    output = run_with_memory(
        """
        from pathlib import Path
        from common.errors import CheckpointError
        from common.hdf5 import array_shapes
        ---
        print(len(array_shapes(Path(sys.argv[1]) / "variable.h5", 100)))
        try:
            array_shapes(Path(sys.argv[1]) / "dtype.h5", 100)
        except CheckpointError as error:
            print(error)
        """,
        tmp_path,
    )
    assert output.startswith("3\n") and "has an attribute `dtype`" in output


@pytest.mark.parametrize("data", [b"", b"no weights" * 100, b"\x89HDF\r\n\x1a\n" + bytes(99)])
def test_what_is_no_hdf5(tmp_path, data):
    (tmp_path / "a.h5").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"a\.h5: no HDF5 file, or a damaged one"):
        array_shapes(tmp_path / "a.h5", max_elements=100)


def test_nothing_is_read_before_its_size_is_known(tmp_path):
    for kind, add in HOSTILE_ARRAYS.items():
        with h5py.File(write(tmp_path / f"{kind}.h5"), "r+") as file:
            add(file, "ids")
    output = run_with_memory(
        """
        from pathlib import Path
        from common.errors import CheckpointError
        from common.hdf5 import array_shapes
        ---
        for path in sorted(Path(sys.argv[1]).glob("*.h5")):
            try:
                print(array_shapes(path, 10**18))
            except CheckpointError as error:
                print("refused", str(error)[-25:])
        """,
        tmp_path,
    )
    assert output.splitlines() == ["refused ; nothing of it was read."] * len(HOSTILE_ARRAYS)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", "/a", "a\\b", "a\0b", "a\nb", "\x1b[2Ja", "\ud800", 5, None],
)
def test_names_that_lead_elsewhere_or_cannot_be_seen(name):
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["config.json", ".hidden", "标签.txt", "a b"])
def test_plain_names(name):
    assert is_plain_name(name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_json_that_is_none(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"config\.json: {message}"):
        read_json(path)


def test_json_of_5_gb_and_json_that_grows_take_little_memory(tmp_path):
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(5 << 30)
    (tmp_path / "lists.json").write_bytes(b'{"a": [' + b"[]," * (11 << 20))
    output = run_with_memory(
        """
        from pathlib import Path
        from common.errors import CheckpointError
        from common.hdf5 import read_json
        ---
        for name in ("large.json", "lists.json"):
            try:
                read_json(Path(sys.argv[1]) / name)
            except CheckpointError as error:
                print(error)
        """,
        tmp_path,
    )
    assert output.count("more than 33,554,432 bytes") == 2


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device"])
def test_what_is_no_file_of_its_own(tmp_path, kind):
    path = tmp_path / "config.json"
    if kind == "link":
        (tmp_path / "other").write_text("{}")
        path.symlink_to(tmp_path / "other")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(CheckpointError, match=r"symbolic link|not a regular file"):
        read_json(path)
    with pytest.raises(CheckpointError, match=r"symbolic link|not a regular file"):
        array_shapes(path, max_elements=1)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "manifest.json", "vocab.txt"])
def test_a_link_in_a_checkpoint_is_not_followed(tmp_path, name):
    from models.checkpoints.folder import read_checkpoint

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
    from models.checkpoints.folder import read_checkpoint
    from models.checkpoints.writing import write_checkpoint

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
    from models.checkpoints import folder as checkpoint

    for each in ("config.json", "model.weights.h5"):
        (tmp_path / each).write_text('{"format_version": 1}')
    sign(tmp_path)
    os.truncate(tmp_path / "model.weights.h5", 1 << 20)
    hashed = []
    monkeypatch.setattr(checkpoint, "sha256", lambda path: hashed.append(path.name) or sha256(path))
    with pytest.raises(CheckpointError, match=r"model\.weights\.h5: truncated or altered"):
        checkpoint.read_checkpoint(tmp_path)
    assert hashed == ["config.json"]


def test_a_checkpoints_vocabulary_that_was_altered(tmp_path):
    from models.checkpoints.folder import check_against_manifest

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
