"""Reads the files of a checkpoint folder, which may come from anywhere.

No name leads out of the folder and no link is followed. JSON has to be of a sensible size. Of an
HDF5 file every object is looked at before any of it is read: the HDF5 library would follow links
to other files, and make room for whatever size an array says that it has.
"""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import h5py

from common.errors import CheckpointError

# Thousands of epochs and a million labels are far smaller. As Python's objects, JSON takes up to
# 20 times its size.
MAX_JSON_BYTES = 32 << 20
_MAX_OBJECTS = 20_000
_MAX_ATTRIBUTE_BYTES = 1 << 16
_NUMBERS = "fiub"  # kinds of numpy's that are numbers


def is_plain_name(name: Any) -> bool:
    """Whether something is the name of a file within a folder, and leads nowhere else."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not {"/", "\\", "\0"} & set(name)
        and name.isprintable()
    )


def check_regular(path: Path) -> os.stat_result:
    """Refuses what is not a file of its own: a link, a folder, a pipe, a device.

    Raises:
        FileNotFoundError: there is nothing.
        CheckpointError: it is something else.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise CheckpointError(
            f"{path}: a symbolic link, which is not followed out of a checkpoint folder; put the "
            "file itself there."
        )
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path}: not a regular file.")
    return status


def read_text(path: Path, max_bytes: int = MAX_JSON_BYTES) -> str:
    """A text file of a checkpoint folder.

    Raises:
        FileNotFoundError: there is none.
        CheckpointError: it is a link, too large or not UTF-8.
    """
    if check_regular(path).st_size > max_bytes:
        raise CheckpointError(f"{path}: more than {max_bytes:,} bytes, far more than it can need.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: not UTF-8 ({error}).") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a checkpoint folder.

    Raises:
        FileNotFoundError: there is none.
        CheckpointError: it is a link, too large, or holds no JSON object.
    """
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: no JSON object.")
    return content


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_shapes(path: Path, max_elements: int) -> dict[str, tuple[int, ...]]:
    """The arrays of an HDF5 file by name, after everything in the file was checked.

    An array must be numbers, in one block within this very file: not compressed, not virtual, not
    in an external file. There may be no link but names, and no attribute that is not small.

    Args:
        path: the file.
        max_elements: all arrays together may have no more.

    Raises:
        CheckpointError: the file is not so, or cannot be read.
    """
    check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            return _array_shapes(file, path.stat().st_size, max_elements)
    except _NotPlainError as error:
        raise CheckpointError(f"{path}: {error}; nothing of it was read.") from None
    except Exception as error:
        # Whatever the HDF5 library makes of a file that is none, or is damaged.
        raise CheckpointError(
            f"{path}: no HDF5 file, or a damaged one ({error!s:.200})."
        ) from error


class _NotPlainError(Exception):
    """What is in an HDF5 file that this project does not write."""


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
                raise _NotPlainError(f"more than {_MAX_OBJECTS:,} groups and arrays")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise _NotPlainError(f"{name!r} is a link")
            item = group[key]
            address = _address(item)
            if address in seen:
                # A group that holds itself would have no end.
                raise _NotPlainError(f"{name!r} is there under another name too")
            seen.add(address)
            _check_attributes(item, name)
            if isinstance(item, h5py.Group):
                groups.append((f"{name}/", item))
                continue
            if not isinstance(item, h5py.Dataset):
                raise _NotPlainError(f"{name!r} is neither a group nor an array")
            _check_array(item, name, file_size)
            shapes[name] = item.shape
            elements += item.size
            if elements > max_elements:
                raise _NotPlainError(f"its arrays have more than {max_elements:,} numbers")
    return shapes


def _address(item: Any) -> tuple[int, ...]:
    """Where in its file an object is.

    `h5py.h5o.get_info` would tell as well, but it also adds up how large a group's index is, and in
    a damaged file that index may have no end.
    """
    return h5py.h5g.get_objinfo(item.id, b".").objno


def _check_array(dataset: h5py.Dataset, name: str, file_size: int) -> None:
    if dataset.shape is None or dataset.dtype.kind not in _NUMBERS:
        raise _NotPlainError(f"{name!r} is not an array of numbers")
    if dataset.external or dataset.is_virtual:
        raise _NotPlainError(f"{name!r} is in another file")
    if dataset.chunks is not None:
        raise _NotPlainError(f"{name!r} is in pieces, or compressed")
    size = dataset.size * dataset.dtype.itemsize
    offset = dataset.id.get_offset() if size else 0
    if offset is None or offset + size > file_size:
        raise _NotPlainError(f"{name!r} is larger than the file")


def _check_attributes(item: Any, name: str) -> None:
    for key in item.attrs:
        if key == "dtype":
            # Keras would read it, which must not be a string of variable length: in a damaged file
            # the HDF5 library may run for ever in it, or past the end of its memory.
            raise _NotPlainError(f"{name!r} has an attribute `dtype`")
        attribute = h5py.h5a.open(item.id, key.encode())
        size = attribute.dtype.itemsize
        for length in attribute.shape:
            size *= length
        if size > _MAX_ATTRIBUTE_BYTES:
            raise _NotPlainError(f"the attribute {key!r} of {name!r} is too large")
