"""The cache: ragged arrays of token ids in HDF5, keyed by content, written whole or not at all.

Every dataset is one contiguous block of int32, int64 or uint8, so that it can be memory-mapped: a
corpus larger than the memory is read at the speed of a file.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import h5py
import numpy as np
from filelock import lock_descriptor

from common.errors import InputError
from common.hdf5 import OpenFile
from common.whole_files import flush_to_disk
from data_util.cache.reading import (
    DTYPES,
    FORMAT_VERSION,
    HEXADECIMAL,
    array_heading,
    blocks_of,
    fingerprint,
)

_LOCK = ".lock"
_ROOM = 1 << 16  # bytes for what HDF5 writes beside the arrays


def cache_path(folder: str | os.PathLike[str], kind: str, key: str) -> Path:
    """The file for a fingerprint in the cache folder, which is created if it is missing.

    Raises:
        InputError: the folder cannot be created.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the cache folder cannot be created ({error.strerror}); choose another with "
            "--data_path",
            path=str(folder),
        ) from error
    return Path(folder) / f"{kind}-{key[:16]}.h5"


class RaggedWriter:
    """Writes a cache file from arrays that arrive in pieces; a context manager.

    The pieces go to raw files in a temporary folder beside the target. Leaving the context without
    an exception writes the HDF5 file there and renames it; otherwise nothing remains. Leftovers of
    a killed process are removed by the next one.

    Args:
        path: the cache file.
        description: everything that the content depends on; its fingerprint is the file's key.
        values: names of int32 streams, filled by `append`.
        offsets: names of int64 streams, filled by `append_lengths`: 0, then running sums.
        flags: names of uint8 streams of 0 and 1, filled by `append`.
    """

    def __init__(
        self,
        path: Path,
        description: Mapping[str, Any],
        *,
        values: Iterable[str],
        offsets: Iterable[str],
        flags: Iterable[str] = (),
    ) -> None:
        self._path = path
        self._description = description
        self._totals = dict.fromkeys(offsets, 0)
        self._dtypes: dict[str, np.dtype] = dict.fromkeys(values, DTYPES["int32"])
        self._dtypes.update(dict.fromkeys(self._totals, DTYPES["int64"]))
        self._dtypes.update(dict.fromkeys(flags, DTYPES["uint8"]))
        self._tables: dict[str, np.ndarray] = {}
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> Self:
        prefix = f".{self._path.stem}-"
        with self._writing():
            _remove_abandoned(self._path.parent, prefix)
            self._folder, self._lock = _locked_folder(self._path.parent, prefix)
            for name, dtype in self._dtypes.items():
                self._files[name] = open(self._folder / name, "wb")
                if name in self._totals:
                    self._files[name].write(np.zeros(1, dtype).tobytes())
        return self

    def append(self, name: str, values: np.ndarray) -> None:
        """Adds integers to the end of a stream of values."""
        with self._writing():
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
                # After another error it does not matter whether the rest can be written.
                with suppress(OSError) if kind is not None else self._writing():
                    file.close()
            if kind is None:
                with self._writing():
                    self._write()
        finally:
            if self._lock is not None:
                os.close(self._lock)  # First: Windows removes no open file.
            _remove(self._folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"nothing can be written to the cache folder ({error.strerror or error}); free "
                "space in it, or choose another with --data_path",
                path=self._path.parent,
            ) from error

    def _write(self) -> None:
        unfinished = self._folder / "unfinished.h5"
        digest = hashlib.sha256()
        with open(unfinished, "x+b", buffering=0) as raw:
            size = sum((self._folder / name).stat().st_size for name in self._dtypes)
            target = OpenFile(raw, reserve=size + _ROOM)
            with h5py.File(target, "w") as file:
                for name in sorted(self._dtypes):
                    self._write_dataset(file, name, digest)
                    target.check()
                file.attrs["format_version"] = FORMAT_VERSION
                file.attrs["fingerprint"] = np.array(fingerprint(self._description), HEXADECIMAL)
                file.attrs["description"] = json.dumps(self._description, sort_keys=True)
                file.attrs["digest"] = np.array(digest.hexdigest(), HEXADECIMAL)
            target.finish()
        flush_to_disk(unfinished)
        os.replace(unfinished, self._path)

    def _write_dataset(self, file: h5py.File, name: str, digest: "hashlib._Hash") -> None:
        raw, dtype = self._folder / name, self._dtypes[name]
        length = raw.stat().st_size // dtype.itemsize
        dataset = file.create_dataset(name, shape=(length,), dtype=dtype)
        digest.update(array_heading(name, dtype, length))
        table = self._tables.get(name)
        start = 0
        for block in blocks_of(raw, dtype, 0, length):
            if table is not None:
                block = table[block].astype(dtype)
            dataset[start : start + len(block)] = block
            digest.update(block.tobytes())
            start += len(block)


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Makes a temporary folder and locks it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            return folder, _lock(folder, create=True)
        except FileNotFoundError:
            continue  # Another process took it for abandoned before it had a lock.


def _lock(folder: Path, *, create: bool) -> int | None:
    """Locks a temporary folder until this process ends.

    Returns:
        The lock's file descriptor, or None if another process holds the lock.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
    with suppress(OSError):  # Not every file system has locks.
        if lock_descriptor(descriptor, blocking=False):
            return descriptor
    os.close(descriptor)
    return None


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Removes temporary folders whose process was killed."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            descriptor = _lock(folder, create=False)
        except OSError:
            # Without a lock file it may be anybody's, but not if it is empty.
            with suppress(OSError):
                folder.rmdir()
            continue
        if descriptor is not None:
            os.close(descriptor)
            _remove(folder)


def _remove(folder: Path) -> None:
    """Removes a temporary folder, its lock last: if this is killed, the next process goes on."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != _LOCK:
                path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
