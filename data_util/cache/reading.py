"""Reads a cache file, which may be damaged or forged, or logs why it is made again.

Nothing that the file claims is taken on trust: the size of an array is compared with the size of
the file before any of it is read, links and arrays in other files are refused, and offsets and ids
have to lie within what they index.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from common.errors import InputError
from common.hdf5 import UntrustedError, open_hdf5, plain_array

T = TypeVar("T")
logger = logging.getLogger(__name__)

FORMAT_VERSION = 3
BLOCK = 1 << 20  # elements that are held in memory at a time while a file is written or checked
HEXADECIMAL = np.dtype("S64")  # of a SHA-256
DTYPES: dict[str, np.dtype[Any]] = {
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint8": np.dtype("u1"),
}

# Not "description": it is a string of variable length, which is for people. From a damaged file the
# HDF5 library may read such a string for ever, or past the end of its memory.
_ATTRIBUTES = ("format_version", "fingerprint", "digest")


def fingerprint(description: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a description: equal content, equal fingerprint, in any order of keys."""
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def open_cache(
    path: Path,
    key: str,
    *,
    values: Mapping[str, int | None],
    offsets: Mapping[str, str],
    flags: Collection[str] = (),
) -> dict[str, np.ndarray] | None:
    """Opens the arrays of a cache file.

    Args:
        path: the cache file.
        key: the fingerprint that the file has to carry.
        values: the names of its int32 streams, each with an exclusive upper bound of its values;
            None where any value is allowed.
        offsets: the names of its int64 streams, each with the name of the stream that it divides
            into rows: one of `values`, or one of `offsets`, whose rows it then groups.
        flags: the names of its uint8 streams, which hold 0 and 1.

    Returns:
        int32 and uint8 streams as read-only memory maps, int64 streams as arrays in memory. None,
        and a message in the log, where there is no such file or it cannot be trusted.
    """
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return _open(path, key, {**values, **dict.fromkeys(flags, 2)}, offsets, flags)
    except UntrustedError as error:
        reason = str(error)
    except Exception as error:
        # Whatever the HDF5 library raises for a file of another kind, or a damaged one.
        reason = f"it is no HDF5 file, or a damaged one ({str(error) or type(error).__name__:.200})"
    logger.warning("The cache %s is not used and is made again: %s.", path, reason)
    return None


def read_back(found: T | None, path: Path) -> T:
    """What was read of a cache that was just written.

    Raises:
        InputError: nothing could be read.
    """
    if found is None:
        raise InputError("the cache cannot be read back: is the disk full?", path=str(path))
    return found


def array_heading(name: str, dtype: np.dtype, length: int) -> bytes:
    """What is hashed before an array's bytes: its name, dtype and length."""
    return f"{name} {dtype.str} {length}\n".encode()


def blocks_of(path: Path, dtype: np.dtype, offset: int, length: int) -> Iterator[np.ndarray]:
    """Reads an array within a file, `BLOCK` elements at a time."""
    with open(path, "rb") as file:
        file.seek(offset)
        for start in range(0, length, BLOCK):
            count = min(BLOCK, length - start)
            block = np.frombuffer(file.read(count * dtype.itemsize), dtype)
            if len(block) < count:
                raise UntrustedError("it was cut short")
            yield block


def _open(
    path: Path,
    key: str,
    values: Mapping[str, int | None],
    offsets: Mapping[str, str],
    flags: Collection[str],
) -> dict[str, np.ndarray]:
    if path.is_symlink() or not path.is_file():
        raise UntrustedError("it is a link, or no regular file")
    file_size = path.stat().st_size
    with open_hdf5(path) as file:
        version, recorded_key, recorded = (_attribute(file, name) for name in _ATTRIBUTES)
        if version != FORMAT_VERSION:
            raise UntrustedError(
                f"its format is version {version!r:.80}, this program's is {FORMAT_VERSION}"
            )
        if recorded_key != key:
            raise UntrustedError("it was made from another source or with other settings")
        if set(file) != {*values, *offsets}:
            raise UntrustedError(f"it does not hold {', '.join(sorted({*values, *offsets}))}")
        places = {name: _locate(file, name, file_size) for name in sorted(file)}
    digest = hashlib.sha256()
    for name, (dtype, offset, length) in places.items():
        kind = "int64" if name in offsets else "uint8" if name in flags else "int32"
        if dtype != DTYPES[kind]:
            raise UntrustedError(f"{name} is of another type")
        digest.update(array_heading(name, dtype, length))
        below = values.get(name)
        for block in blocks_of(path, dtype, offset, length):
            digest.update(block.tobytes())
            if below is not None and not (block.min() >= 0 and block.max() < below):
                raise UntrustedError(f"{name} has a value outside of 0 to {below - 1:,}")
    if digest.hexdigest() != recorded:
        raise UntrustedError("its content was altered after it was written")
    arrays = {name: _map(path, *place) for name, place in places.items()}
    for name, divided in offsets.items():
        length = len(arrays[divided]) - (divided in offsets)
        _check_offsets(name, arrays[name], length)
    return arrays


def _attribute(file: h5py.File, name: str) -> Any:
    """An integer or 64 characters, whose size is checked before it is read."""
    attribute = h5py.h5a.open(file.id, name.encode())
    kind = attribute.dtype
    if attribute.shape != () or not (kind.kind in "iu" or kind == HEXADECIMAL):
        raise UntrustedError(f"its {name} is of another kind: of another version?")
    value = file.attrs[name]
    return bytes(value).decode("ascii") if kind == HEXADECIMAL else int(value)


def _locate(file: h5py.File, name: str, file_size: int) -> tuple[np.dtype, int, int]:
    """Dtype, byte offset and length of an array, checked before any of it is read."""
    dataset = plain_array(file, name, file_size)
    if dataset.dtype not in DTYPES.values() or dataset.ndim != 1:
        raise UntrustedError(f"{name!r} is not a one-dimensional array of int32, int64 or uint8")
    length = dataset.shape[0]
    return dataset.dtype, dataset.id.get_offset() if length else 0, length


def _check_offsets(name: str, offsets: np.ndarray, length: int) -> None:
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != length:
        raise UntrustedError(f"{name} does not reach from 0 to {length:,}")
    if (offsets[1:] < offsets[:-1]).any():
        raise UntrustedError(f"{name} is not in ascending order")


def _map(path: Path, dtype: np.dtype, offset: int, length: int) -> np.ndarray:
    if length == 0:
        return np.zeros(0, dtype)
    mapped = np.memmap(path, dtype, mode="r", offset=offset, shape=(length,))
    return np.array(mapped) if dtype == DTYPES["int64"] else mapped
