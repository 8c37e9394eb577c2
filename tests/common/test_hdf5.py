"""HDF5 files that somebody made to do harm."""

import errno
import fcntl
import io
import os

import h5py
import keras
import numpy as np
import pytest

from common.errors import CheckpointError
from common.hdf5 import InMemory, OpenFile, array_shapes, open_hdf5, unlocked
from tests.hostile_files import HOSTILE_ARRAYS, damage_string, make_irregular, run_with_memory


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
    with pytest.raises(CheckpointError, match="'head/again' has another name too"):
        array_shapes(path, max_elements=10**9)
    with h5py.File(write(path), "r+") as file:
        file["head/root"] = file["/"]
    with pytest.raises(CheckpointError, match="'head/root' has another name too"):
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


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device"])
def test_what_is_no_file_of_its_own(tmp_path, kind):
    path = tmp_path / "config.json"
    make_irregular(path, kind)
    with pytest.raises(CheckpointError, match=r"symbolic link|not a regular file"):
        array_shapes(path, max_elements=1)


class FullDisk(io.FileIO):
    """A file on a disk that is full after some bytes."""

    def __init__(self, path, room):
        super().__init__(path, "x+")
        self.room = room

    def write(self, data):
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = super().write(memoryview(data)[: self.room])
        self.room -= count
        return count


def fill(file):
    """What HDF5 writes itself, some of it in small pieces."""
    file["vars/0"] = np.arange(5000)
    dataset = file.create_dataset("rows", (3000,), np.int32)
    for start in range(0, 3000, 100):
        dataset[start : start + 100] = np.arange(start, start + 100)
    file.attrs["digest"] = "x" * 64


@pytest.mark.parametrize("reserve", [0, 10**6])
def test_what_is_written_through_an_open_file_can_be_read(tmp_path, reserve):
    with open(tmp_path / "a.h5", "x+b", buffering=0) as raw:
        target = OpenFile(raw, reserve)
        with h5py.File(target, "w") as file:
            fill(file)
        target.finish()
    # The arrays have 52,000 bytes.
    assert 52_000 < (tmp_path / "a.h5").stat().st_size < 60_000
    with h5py.File(tmp_path / "a.h5", "r") as file:
        np.testing.assert_array_equal(file["vars/0"], np.arange(5000))
        np.testing.assert_array_equal(file["rows"], np.arange(3000))
        assert file.attrs["digest"] == "x" * 64


def test_hdf5_sees_no_full_disk(tmp_path):
    for room in range(0, 52_000, 2_600):
        with FullDisk(tmp_path / f"{room}.h5", room) as raw:
            target = OpenFile(raw, reserve=0)
            with h5py.File(target, "w") as file:
                fill(file)
            with pytest.raises(OSError, match="No space left"):
                target.finish()


def test_room_is_reserved_before_anything_is_written(tmp_path, monkeypatch):
    def fail(descriptor, start, size):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with open(tmp_path / "a.h5", "x+b", buffering=0) as raw:
        number = errno.ENOSPC
        with pytest.raises(OSError, match="No space left"):
            OpenFile(raw, reserve=1000)
        # A file system that cannot reserve any.
        number = errno.EOPNOTSUPP
        OpenFile(raw, reserve=1000)


def test_hdf5_does_not_lock(tmp_path):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    content = InMemory()
    keras.saving.save_weights(model, content)
    path = tmp_path / "a.weights.h5"
    path.write_bytes(content.getbuffer())
    weights = model.get_weights()
    model.set_weights([weight + 1 for weight in weights])
    with path.open("rb") as other:
        # With a lock of its own HDF5 would fail here, as it does where the file system has none.
        fcntl.flock(other, fcntl.LOCK_EX)
        assert len(array_shapes(path, max_elements=10)) == 2
        with open_hdf5(path) as file:
            assert "layers" in file
        with unlocked(path) as file:
            model.load_weights(file)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
