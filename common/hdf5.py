"""Vets HDF5 files, which may come from anywhere, before any of their content is read.

The HDF5 library would follow links to other files, and allocate whatever size an array claims to
have. So each object is examined first: what it is, where it is and how large it is.
"""

from pathlib import Path
from typing import Any

import h5py

from common.errors import CheckpointError
from common.files import check_regular

_MAX_OBJECTS = 20_000
_MAX_ATTRIBUTE_BYTES = 1 << 16
_NUMBERS = "fiub"  # the kinds of NumPy's dtypes that are numbers


class UntrustedError(Exception):
    """Why an HDF5 file is not read: it holds something that this project does not write."""


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
        with h5py.File(path, "r") as file:
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
