"""Opens HDF5 files safely, and vets those that may come from anywhere.

The HDF5 library would follow links to other files, and allocate whatever size an array claims to
have. So each object is examined first: what it is, where it is and how large it is.

The library opens no file itself. It would lock each one, which fails on some network file systems,
and after an error of writing, such as a full disk, it may end the process with a segmentation
fault. It works on open Python files instead, and on memory.
"""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from common.errors import CheckpointError
from common.files import AnyPath, check_regular

_MAX_OBJECTS = 20_000
_MAX_ATTRIBUTE_BYTES = 1 << 16
_NUMBERS = "fiub"  # the kinds of NumPy's dtypes that are numbers


class UntrustedError(Exception):
    """Why an HDF5 file is not read: it holds something that this project does not write."""


class InMemory(io.BytesIO):
    """A file of weights in memory, in place of its name in `keras.saving.save_weights`."""

    def __str__(self) -> str:
        return "memory.weights.h5"  # Keras checks the end of the name.


class OpenFile(io.BytesIO):
    """An open file in the form that h5py and Keras take in place of a name.

    HDF5 never sees an error of writing: the first one is kept, nothing more is written, and
    `finish` raises it.

        with open("large.h5", "x+b", buffering=0) as file:
            target = OpenFile(file, reserve=1_000_000)
            with h5py.File(target, "w") as content:
                content["zeros"] = np.zeros(1000)
            target.finish()

    Args:
        file: an unbuffered file; for writing it has to be open for reading too.
        reserve: the number of bytes that will be written, for which the disk must have room, so
            that a full disk is noticed before anything is written; None: the file is read.

    Raises:
        OSError: there is no room.
    """

    def __init__(self, file: io.FileIO, reserve: int | None = None) -> None:
        super().__init__()
        self._file = file
        self._error: OSError | None = None
        # The reserved room belongs to the file, but HDF5 must not see it.
        self._end = os.fstat(file.fileno()).st_size if reserve is None else 0
        if reserve and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, reserve)
            except OSError as error:
                # Some file systems cannot; a full disk is then noticed later.
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise

    def __str__(self) -> str:
        return "file.weights.h5"  # Keras checks the end of the name.

    def check(self) -> None:
        """Raises the first error of writing, if there was one."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Raises the first error of writing, or gives back what is left of the reserved room."""
        self.check()
        self._file.truncate(self._end)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        if whence == os.SEEK_END:
            return self._file.seek(self._end + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase.readinto`; fills the buffer, up to the end of the file."""
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and (count := self._file.readinto(view[done:])):
            done += count
        return done

    def write(self, data: Any) -> int:
        """Writes all of the data, unless there was an error."""
        view, done = memoryview(data).cast("B"), 0
        try:
            while self._error is None and done < len(view):
                done += self._file.write(view[done:])
        except OSError as error:
            self._error = error
        self._end = max(self._end, self._file.tell())
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Notes the size of the file, which `finish` gives it."""
        self._end = self._file.tell() if size is None else size
        return self._end

    def flush(self) -> None:
        """Nothing: the file is not buffered."""


@contextmanager
def unlocked(path: AnyPath) -> Iterator[OpenFile]:
    """Opens a file for reading by h5py or Keras, which then does not lock it.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
    """
    with io.FileIO(path) as file:
        yield OpenFile(file)


@contextmanager
def open_hdf5(path: AnyPath) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading, without a lock.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened, or is no HDF5 file.
    """
    with unlocked(path) as source, h5py.File(source, "r") as file:
        yield file


def array_shapes(path: Path, max_elements: int) -> dict[str, tuple[int, ...]]:
    """Checks everything in an HDF5 file and lists its arrays.

    Each array must be as `plain_array` requires. Links other than hard links, and large attributes,
    are refused.

    Args:
        path: the file.
        max_elements: how many numbers all arrays together may have.

    Returns:
        The shape of each array by its name ("group/array").

    Raises:
        CheckpointError: the file breaks one of these rules or cannot be read.
    """
    check_regular(path, CheckpointError)
    try:
        with open_hdf5(path) as file:
            return _array_shapes(file, path.stat().st_size, max_elements)
    except UntrustedError as error:
        raise CheckpointError(f"{error}; nothing of it was read.", path) from None
    except Exception as error:
        # Whatever the HDF5 library raises for a file of another kind, or a damaged one.
        raise CheckpointError(f"no HDF5 file, or a damaged one ({error!s:.200}).", path) from error


def plain_array(group: h5py.Group, key: str, file_size: int) -> h5py.Dataset:
    """An array of numbers in one block within this very file.

    Args:
        group: of the file.
        key: the array's name in the group.
        file_size: bytes of the file.

    Raises:
        UntrustedError: it is a link, no array of numbers, chunked, compressed, virtual, in another
            file or beyond the end of this one.
    """
    name = f"{group.name}/{key}".lstrip("/")
    _check_hard_link(group, key, name)
    dataset = group[key]
    if not isinstance(dataset, h5py.Dataset):
        raise UntrustedError(f"{name!r} is not an array of numbers")
    _check_array(dataset, name, file_size)
    return dataset


def _array_shapes(file: h5py.File, file_size: int, max_elements: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    elements = objects = 0
    seen = {_address(file)}
    _check_attributes(file, "/")
    groups = [("", file)]
    while groups:
        prefix, group = groups.pop()
        for key in group:
            name = f"{prefix}{key}"
            objects += 1
            if objects > _MAX_OBJECTS:
                raise UntrustedError(f"more than {_MAX_OBJECTS:,} groups and arrays")
            _check_hard_link(group, key, name)
            item = group[key]
            address = _address(item)
            if address in seen:
                # A group that holds itself would have no end.
                raise UntrustedError(f"{name!r} has another name too")
            seen.add(address)
            _check_attributes(item, name)
            if isinstance(item, h5py.Group):
                groups.append((f"{name}/", item))
                continue
            if not isinstance(item, h5py.Dataset):
                raise UntrustedError(f"{name!r} is neither a group nor an array")
            _check_array(item, name, file_size)
            shapes[name] = item.shape
            elements += item.size
            if elements > max_elements:
                raise UntrustedError(f"its arrays have more than {max_elements:,} numbers")
    return shapes


def _check_hard_link(group: h5py.Group, key: str, name: str) -> None:
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise UntrustedError(f"{name!r} is a link")


def _address(item: Any) -> tuple[int, ...]:
    """Where in its file an object is.

    `h5py.h5o.get_info` would give it too, but that also adds up the size of a group's index, and in
    a damaged file that index may have no end.
    """
    return h5py.h5g.get_objinfo(item.id, b".").objno


def _check_array(dataset: h5py.Dataset, name: str, file_size: int) -> None:
    if dataset.shape is None or dataset.dtype.kind not in _NUMBERS:
        raise UntrustedError(f"{name!r} is not an array of numbers")
    if dataset.external or dataset.is_virtual:
        raise UntrustedError(f"{name!r} is in another file")
    if dataset.chunks is not None:
        raise UntrustedError(f"{name!r} is in pieces, or compressed")
    size = dataset.size * dataset.dtype.itemsize
    offset = dataset.id.get_offset() if size else 0
    if offset is None or offset + size > file_size:
        raise UntrustedError(f"{name!r} is larger than the file")


def _check_attributes(item: Any, name: str) -> None:
    for key in item.attrs:
        if key == "dtype":
            # Keras would read it, and it may be a string of variable length: in a damaged file
            # the HDF5 library may read such a string for ever, or past the end of its memory.
            raise UntrustedError(f"{name!r} has an attribute `dtype`")
        attribute = h5py.h5a.open(item.id, key.encode())
        size = attribute.dtype.itemsize
        for length in attribute.shape:
            size *= length
        if size > _MAX_ATTRIBUTE_BYTES:
            raise UntrustedError(f"the attribute {key!r} of {name!r} is too large")
