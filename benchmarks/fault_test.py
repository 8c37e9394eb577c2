"""`make fault-test`: full disks, and kills at every rename, while files are written.

    python -m benchmarks.fault_test [--sizes=20]

Writes a checkpoint, a cache and a file again and again: on file systems with room for a part of
them only (each mounted for the purpose, so it needs the permission to mount one), and in processes
that are killed at each of their renames. Afterwards what was there before, or what was to replace
it, must be there and whole. Prints a table and exits with status 1 where a file was lost, a process
crashed, or an error was not one for the user.

`make crash-test` kills whole runs; the tests in `tests/serving/` try clients that abuse a service.
"""

import argparse
import functools
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.lib.measuring import markdown

ROOM = 1 << 20  # more than any of the writers needs for its old and its new files


def main() -> int:
    """Runs the sweeps; returns the exit status."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--sizes", type=int, default=20, help="sizes of a full disk")
    arguments = options.parse_args()
    rows = []
    for writer in (CheckpointWriter(), CacheWriter(), FileWriter()):
        for sweep, found in (
            ("full disk", full_disks(writer, arguments.sizes)),
            ("kill at a rename", kills(writer)),
        ):
            outcomes = Counter(found)
            row = {"writes": writer.name, "fault": sweep, "tries": outcomes.total()}
            row |= {name: outcomes[name] for name in ("written", "refused", "killed")}
            rows.append(row | {"crashes or lost": outcomes["crashed"] + outcomes["lost"]})
    print(markdown(rows))
    return int(any(row["crashes or lost"] for row in rows))


class CheckpointWriter:
    """Writes a checkpoint with an optimizer; `read` gives its number."""

    name = "checkpoint"

    def __init__(self) -> None:
        from training.command_line import quiet_libraries

        quiet_libraries()
        import keras

        self._model = keras.Sequential([keras.layers.Input((100,)), keras.layers.Dense(200)])
        self._model.compile(optimizer="adam", loss="mse")
        self._model.optimizer.build(self._model.trainable_variables)

    def write(self, folder: Path, number: int) -> None:
        """Writes a checkpoint with this number."""
        from models.checkpoints.writing import write_checkpoint

        write_checkpoint(
            folder / "checkpoint",
            config={"stage": "pretraining"},
            model=self._model,
            texts={"vocab.txt": "word\n" * 2_000},
            metrics={"number": number},
            optimizer=self._model.optimizer,
        )

    def read(self, folder: Path) -> int:
        """Reads the number, after all files were verified."""
        from models.checkpoints.folder import read_checkpoint

        return read_checkpoint(folder / "checkpoint").json("metrics.json")["number"]


class CacheWriter:
    """Writes a cache; `read` gives its number."""

    name = "cache"

    def write(self, folder: Path, number: int) -> None:
        """Writes a cache with this number."""
        from data_util.cache.writing import RaggedWriter

        path = folder / "cache.h5"
        with RaggedWriter(path, {}, values=("ids",), offsets=("offsets",)) as writer:
            for _ in range(30):
                writer.append("ids", np.full(1_000, number))
                writer.append_lengths("offsets", np.full(10, 100))

    def read(self, folder: Path) -> int:
        """Reads the number, after the whole cache was verified."""
        from data_util.cache.reading import fingerprint, open_cache

        path, key = folder / "cache.h5", fingerprint({})
        arrays = open_cache(path, key, values={"ids": None}, offsets={"offsets": "ids"})
        assert arrays is not None
        return int(arrays["ids"][-1])


class FileWriter:
    """Writes a file of lines; `read` gives its number."""

    name = "file"

    def write(self, folder: Path, number: int) -> None:
        """Writes a file with this number."""
        from common.whole_files import whole_file

        with whole_file(folder / "labels.jsonl") as file:
            for _ in range(10_000):
                file.write(b"%d 0123456789\n" % number)

    def read(self, folder: Path) -> int:
        """Reads the number of a file that must have all of its lines."""
        lines = (folder / "labels.jsonl").read_bytes().splitlines()
        assert len(lines) == 10_000
        return int(lines[-1].split()[0])


Writer = CheckpointWriter | CacheWriter | FileWriter


def full_disks(writer: Writer, sizes: int) -> Iterator[str]:
    """Replaces what was written, with more and more room: what became of each try."""
    for index in range(sizes):
        with tempfile.TemporaryDirectory() as place, mounted(Path(place), ROOM) as folder:
            writer.write(folder, 1)
            filling = folder / "filling"
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            with filling.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, free - free * index // sizes))
            yield outcome(writer, folder, functools.partial(writer.write, folder, 2))


def kills(writer: Writer) -> Iterator[str]:
    """Kills the process at its first rename, at its second one, ...: what became of each try."""
    renames = 0
    found = ""
    while found != "written":
        with tempfile.TemporaryDirectory() as place:
            writer.write(Path(place), 1)

            def killed(folder: Path = Path(place), after: int = renames) -> None:
                kill_at_rename(after)
                writer.write(folder, 2)

            found = outcome(writer, Path(place), killed)
            yield found
        renames += 1


def outcome(writer: Writer, folder: Path, write: Callable[[], None]) -> str:
    """Writes in a process of its own, and looks at what is there afterwards."""
    pid = os.fork()
    if pid == 0:
        os._exit(status_of(write))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    found = {0: "written", 2: "refused", -signal.SIGKILL: "killed"}.get(status, "crashed")
    try:
        number = writer.read(folder)
    except Exception as error:
        print(f"{writer.name}: {error!r}", file=sys.stderr)
        return "lost"
    # After a kill it may be either.
    right = {"written": (2,), "refused": (1,)}.get(found, (1, 2))
    return found if number in right else "lost"


def status_of(write: Callable[[], None]) -> int:
    """0; 2 for an error that a command tells in one line."""
    from common.errors import UserError

    try:
        write()
    except (UserError, OSError):
        return 2
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        return 1
    return 0


def kill_at_rename(after: int) -> None:
    """Has this process killed when it renames something, after it has renamed so many."""
    done = 0

    def wrapped(rename: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*arguments: object, **options: object) -> None:
            nonlocal done
            if done == after:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            rename(*arguments, **options)

        return wrapper

    os.rename, os.replace = wrapped(os.rename), wrapped(os.replace)  # type: ignore[assignment]


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """Mounts a small file system.

    Raises:
        SystemExit: it cannot be mounted here.
    """
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        sys.exit("make fault-test needs the permission to mount a tmpfs (run it as root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


if __name__ == "__main__":
    sys.exit(main())
