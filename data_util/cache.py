"""The cache: ragged arrays of token ids in HDF5, keyed by content, written whole or not at all.

Every dataset is one contiguous block of int32 or int64, so that it can be memory-mapped: a corpus
larger than the memory is read at the speed of a file.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import h5py
import numpy as np

from data_util.errors import InputError

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
_LOCK = ".lock"
_BLOCK = 1 << 20  # elements that are held in memory at a time while a file is written or checked
_DTYPES: dict[str, np.dtype[Any]] = {"int32": np.dtype("<i4"), "int64": np.dtype("<i8")}


def fingerprint(description: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a description: equal content, equal fingerprint, in any order of keys."""
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def source_digest(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """SHA-256 (hex) of each file's bytes. The files' names and times don't count."""
    digests = []
    for path in paths:
        with open(path, "rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests


def cache_path(folder: str | os.PathLike[str], kind: str, key: str) -> Path:
    """The file for a fingerprint in the cache folder, which is made where there is none."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the cache folder cannot be made ({error.strerror}); choose another with --data_path",
            path=str(folder),
        ) from error
    return Path(folder) / f"{kind}-{key[:16]}.h5"


class RaggedWriter:
    """Writes a cache file from arrays that arrive piece by piece.

    A context manager. The pieces go to raw files in a temporary folder beside the target; leaving
    the context without an exception writes the HDF5 file there and renames it to its name. In
    any other case, nothing is left; what a killed process left, the next one removes.

    Args:
        path: the cache file.
        description: all that the content depends on; its fingerprint is the file's key.
        values: names of int32 streams, filled by `append`.
        offsets: names of int64 streams, filled by `append_lengths`: 0, then running sums.
    """

    def __init__(
        self,
        path: Path,
        description: Mapping[str, Any],
        *,
        values: Iterable[str],
        offsets: Iterable[str],
    ) -> None:
        self._path = path
        self._description = description
        self._totals = dict.fromkeys(offsets, 0)
        self._dtypes: dict[str, np.dtype] = dict.fromkeys(values, _DTYPES["int32"])
        self._dtypes.update(dict.fromkeys(self._totals, _DTYPES["int64"]))
        self._tables: dict[str, np.ndarray] = {}
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> Self:
        prefix = f".{self._path.stem}-"
        try:
            _remove_abandoned(self._path.parent, prefix)
            self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self._path.parent))
            self._lock = _lock(self._folder, create=True)
        except OSError as error:
            raise InputError(
                f"nothing can be written to the cache folder ({error.strerror}); choose another "
                "with --data_path",
                path=self._path.parent,
            ) from error
        for name, dtype in self._dtypes.items():
            self._files[name] = open(self._folder / name, "wb")
            if name in self._totals:
                self._files[name].write(np.zeros(1, dtype).tobytes())
        return self

    def append(self, name: str, values: np.ndarray) -> None:
        """Adds integers to the end of a stream of values."""
        self._files[name].write(np.ascontiguousarray(values, self._dtypes[name]).tobytes())

    def append_lengths(self, name: str, lengths: np.ndarray) -> None:
        """Adds ragged rows of these lengths to a stream of offsets."""
        sums = self._totals[name] + np.cumsum(lengths, dtype=np.int64)
        if len(sums):
            self._totals[name] = int(sums[-1])
            self.append(name, sums)

    def remap(self, name: str, table: np.ndarray) -> None:
        """Replaces each value v of a stream by `table[v]` (provisional ids by final ones)."""
        self._tables[name] = table

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            for file in self._files.values():
                file.close()
            if kind is None:
                self._write()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            if self._lock is not None:
                os.close(self._lock)

    def _write(self) -> None:
        unfinished = self._folder / "unfinished.h5"
        digest = hashlib.sha256()
        with h5py.File(unfinished, "w") as file:
            for name in sorted(self._dtypes):
                self._write_dataset(file, name, digest)
            file.attrs["format_version"] = FORMAT_VERSION
            file.attrs["fingerprint"] = fingerprint(self._description)
            file.attrs["description"] = json.dumps(self._description, sort_keys=True)
            file.attrs["digest"] = digest.hexdigest()
        with open(unfinished, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(unfinished, self._path)

    def _write_dataset(self, file: h5py.File, name: str, digest: "hashlib._Hash") -> None:
        raw, dtype = self._folder / name, self._dtypes[name]
        length = raw.stat().st_size // dtype.itemsize
        dataset = file.create_dataset(name, shape=(length,), dtype=dtype)
        digest.update(_heading(name, dtype, length))
        table = self._tables.get(name)
        start = 0
        for block in _blocks(raw, dtype, 0, length):
            if table is not None:
                block = table[block].astype(dtype)
            dataset[start : start + len(block)] = block
            digest.update(block.tobytes())
            start += len(block)


def _lock(folder: Path, *, create: bool) -> int | None:
    """Locks a temporary folder until this process ends, or None where another one holds it."""
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    descriptor = os.open(folder / _LOCK, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Removes temporary folders whose process was killed."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            descriptor = _lock(folder, create=False)
        except OSError:
            continue  # without a lock it is not known whose it is
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def open_cache(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of a cache file, or None (and a message in the log) where it can't be trusted.

    Args:
        path: the cache file.
        key: the fingerprint that the file has to carry.

    Returns:
        int32 streams as read-only memory maps, int64 streams as arrays in memory.
    """
    if not path.exists():
        return None
    try:
        return _open(path, key)
    except (_UntrustedError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        logger.warning("The cache %s is not used and is made again: %s.", path, error)
        return None


class _UntrustedError(Exception):
    """Why a cache file can't be used."""


def _open(path: Path, key: str) -> dict[str, np.ndarray]:
    file_size = path.stat().st_size
    with h5py.File(path, "r") as file:
        version = file.attrs.get("format_version")
        if version != FORMAT_VERSION:
            raise _UntrustedError(
                f"its format is version {version}, this program's is {FORMAT_VERSION}"
            )
        description = json.loads(file.attrs["description"])
        if file.attrs["fingerprint"] != key or fingerprint(description) != key:
            raise _UntrustedError("it was made from another source or with other settings")
        places = {name: _place(file, name, file_size) for name in sorted(file)}
        recorded = file.attrs["digest"]
    digest = hashlib.sha256()
    for name, (dtype, offset, length) in places.items():
        digest.update(_heading(name, dtype, length))
        for block in _blocks(path, dtype, offset, length):
            digest.update(block.tobytes())
    if digest.hexdigest() != recorded:
        raise _UntrustedError("its content was altered after it was written")
    return {name: _map(path, *place) for name, place in places.items()}


def _place(file: h5py.File, name: str, file_size: int) -> tuple[np.dtype, int, int]:
    """dtype, byte offset and length of a dataset, checked against the file before any of it is
    read."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise _UntrustedError(f"{name} is a link")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype not in _DTYPES.values():
        raise _UntrustedError(f"{name} is not an array of int32 or int64")
    if dataset.ndim != 1 or dataset.chunks is not None or dataset.external or dataset.is_virtual:
        raise _UntrustedError(f"{name} is not one contiguous block")
    length = len(dataset)
    offset = dataset.id.get_offset() if length else 0
    if offset is None or offset + length * dataset.dtype.itemsize > file_size:
        raise _UntrustedError("it was cut short")
    return dataset.dtype, offset, length


def _heading(name: str, dtype: np.dtype, length: int) -> bytes:
    return f"{name} {dtype.str} {length}\n".encode()


def _blocks(path: Path, dtype: np.dtype, offset: int, length: int) -> Iterator[np.ndarray]:
    with open(path, "rb") as file:
        file.seek(offset)
        for start in range(0, length, _BLOCK):
            count = min(_BLOCK, length - start)
            block = np.frombuffer(file.read(count * dtype.itemsize), dtype)
            if len(block) < count:
                raise _UntrustedError("it was cut short")
            yield block


def _map(path: Path, dtype: np.dtype, offset: int, length: int) -> np.ndarray:
    if length == 0:
        return np.zeros(0, dtype)
    mapped = np.memmap(path, dtype, mode="r", offset=offset, shape=(length,))
    return mapped if dtype == _DTYPES["int32"] else np.array(mapped)
