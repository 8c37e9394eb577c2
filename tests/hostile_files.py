"""Files as someone might forge them, and a process that may take little memory to read them."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).parents[1]
GIGABYTE = 1 << 30
PROCESSOR_SECONDS = 30  # a hundred times what any of it takes


def run_with_memory(code: str, *arguments: object, limit: int = GIGABYTE) -> str:
    """Runs Python code that may take `limit` bytes beyond what its imports took; its output.

    The code is two parts with a line `---` between them: the imports, then what is limited. Where
    it has no end, the kernel ends it.
    """
    imports, _, body = textwrap.dedent(code).partition("---\n")
    bound = textwrap.dedent(
        f"""
        import resource
        taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + {limit}, taken + {limit}))
        used = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime)
        resource.setrlimit(resource.RLIMIT_CPU, (used + {PROCESSOR_SECONDS}, used + 999))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{imports}{bound}{body}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def make_irregular(path: Path, kind: str) -> None:
    """Puts at `path` what is no file of its own: a "link", "folder", "pipe" or "device"."""
    if kind == "link":
        other = path.with_name("other")
        other.write_text("{}")
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        raise ValueError(kind)


def damage_string(path: Path) -> None:
    """Damages the one string of variable length in an HDF5 file: h5py runs for ever in reading it.

    References:
        HDF5 file format specification, III.E, "Disk Format: Level 1E - Global Heap": after the
        heap's 16 bytes and 8 of its first object comes that object's size.
    """
    data = bytearray(path.read_bytes())
    assert data.count(b"GCOL") == 1
    data[data.index(b"GCOL") + 16 + 8 + 1] = 1
    path.write_bytes(data)


def sign(folder: Path) -> None:
    """Makes a checkpoint's manifest true of whatever the folder holds."""
    files = {
        path.name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path in folder.iterdir()
        if path.is_file() and path.name != "manifest.json"
        for data in [path.read_bytes()]
    }
    manifest = {"format_version": 1, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _external_link(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("/etc/hostname", "/ids")


def _soft_link(file: h5py.File, name: str) -> None:
    file["elsewhere"] = np.zeros(4, np.int32)
    file[name] = h5py.SoftLink("/elsewhere")


def _external_array(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (4,), np.int32, external=[("/etc/hostname", 0, 16)])


def _virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout((4,), np.int32)
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "ids", (4,))
    file.create_virtual_dataset(name, layout)


def _objects(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=["text"] * 4, dtype=h5py.string_dtype())


def _references(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (4,), h5py.ref_dtype)


def _compound(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=np.zeros(4, [("a", "<i4"), ("b", "S9")]))


def _compressed_bomb(file: h5py.File, name: str) -> None:
    # 40 GB of zeros, of which nothing is stored.
    file.create_dataset(name, (10**10,), np.int32, chunks=(1 << 20,), compression="gzip")


def _chunked(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=np.zeros(4, np.int32), chunks=(2,))


def _declared(file: h5py.File, name: str) -> None:
    # 4 PB: a contiguous array has no place in the file before it is written.
    file.create_dataset(name, (10**15,), np.int32)


def _scalar_string(file: h5py.File, name: str) -> None:
    file[name] = "text"


def _committed_type(file: h5py.File, name: str) -> None:
    file[name] = np.dtype("<i4")


# Each adds something under a name where an array of four int32 is expected.
HOSTILE_ARRAYS = {
    function.__name__.removeprefix("_"): function
    for function in (
        _external_link,
        _soft_link,
        _external_array,
        _virtual,
        _objects,
        _references,
        _compound,
        _compressed_bomb,
        _chunked,
        _declared,
        _scalar_string,
        _committed_type,
    )
}
