"""Full disks, kills and readers around something that writes files, and what becomes of them."""

import ctypes
import functools
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DISK = 64 << 20  # bytes, more than any of the writers needs
_exit = ctypes.CDLL(None).exit  # The exit handlers of libraries in C run, not this program's.
_LONGEST = 300  # seconds, after which a try counts as one that never ends
_MOMENTS = ("os.rename", "os.remove", "os.rmdir")  # of Python's audit events
_ALLOWED = ".lock"


class Writer:
    """Something that writes files.

    Attributes:
        name: for the table.
        peak: how many times the size of what is finished is needed while it is replaced.
        place: what the message names; empty: the folder.
        after_refusal: the numbers that may be there after an error.
        in_process: whether all tries run in one process, which then must not be killed.
    """

    name = ""
    peak = 1.2
    place = ""
    after_refusal: tuple[int, ...] = (1,)
    in_process = False

    def prepare(self, folder: Path) -> None:
        """Loads what all tries share.

        Args:
            folder: for its files; not on the disk that is full.
        """

    def write(self, folder: Path, number: int) -> None:
        """Writes, or replaces, files that tell this number: 1, 2 or 3."""
        raise NotImplementedError

    def read(self, folder: Path) -> int:
        """Reads the number, after it was checked that the files are whole."""
        raise NotImplementedError


def full_disks(writer: Writer, sizes: int) -> Iterator[str]:
    """Replaces what was written, with more and more room: what became of each try.

    With no room at first and with room for everything at last, so that the disk is full at as many
    points of the writing. After an error there is room again, and the next try must succeed.
    """
    with temporary_folder() as place, mounted(place) as folder:
        before = _used(folder)
        writer.write(folder, 1)
        size = (_used(folder) - before) * writer.peak
    for index in range(sizes):
        with temporary_folder() as place, mounted(place) as folder:
            writer.write(folder, 1)
            room = round(size * index / max(1, sizes - 1))
            _resize(folder, _used(folder) + room)
            found = outcome(writer, folder, functools.partial(writer.write, folder, 2))
            _resize(folder, DISK)
            yield _and_again(writer, folder, found)


def kills(writer: Writer) -> Iterator[str]:
    """Kills the process at its first rename or removal of a file, at the second one, ..."""
    moments = 0
    found = ""
    while found != "written":
        with temporary_folder() as folder:
            writer.write(folder, 1)

            def killed(folder: Path = folder, after: int = moments) -> None:
                _kill_at(after)
                writer.write(folder, 2)

            found = outcome(writer, folder, killed)
            yield _and_again(writer, folder, found)
        moments += 1


def outcome(writer: Writer, folder: Path, write: Callable[[], None]) -> str:
    """Writes as a command does, and looks at what is there afterwards.

    Returns:
        "written"; "refused": with one line that names the place; "killed"; or what is wrong:
        "crashed", "lost", "left over".
    """
    with temporary_folder() as place:
        log = place / "log"
        status = (_here if writer.in_process else _forked)(write, folder, log)
        lines = log.read_text(errors="replace").splitlines()
    found = {0: "written", 2: "refused", -signal.SIGKILL: "killed"}.get(status, "crashed")
    errors = [line for line in lines if line.startswith("error: ")]
    place_named = (writer.place or str(folder)) in (errors or [""])[0]
    is_told = len(errors) == 1 and errors == lines[-1:] and place_named
    if any("Traceback" in line for line in lines) or (found == "refused" and not is_told):
        found = "crashed"
    if found == "crashed":
        return _told(writer, found, f"status {status}", *lines)
    try:
        number = writer.read(folder)
    except Exception as error:
        return _told(writer, "lost", repr(error))
    right = {"written": (2,), "refused": writer.after_refusal}.get(found, (1, 2))
    if number not in right:
        return _told(writer, "lost", f"{found}, and then it was number {number}")
    return found if found == "killed" else _without_leftovers(writer, folder, found)


def publications(writer: Writer, readers: int, seconds: float) -> tuple[int, int, int]:
    """Replaces what is written again and again while other processes read it.

    Returns:
        How often it was replaced and read, and how many readers found something mixed or missing.
    """
    with temporary_folder() as folder:
        writer.write(folder, 1)
        until = time.monotonic() + seconds
        children = [_reader(writer, folder, until, folder / f"reads{i}") for i in range(readers)]
        number = 1
        while time.monotonic() < until:
            number += 1
            writer.write(folder, number)
        failed = sum(_wait(child) != 0 for child in children)
        reads = sum((folder / f"reads{i}").stat().st_size for i in range(readers))
    return number, reads, failed


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that a fork of this process never removes."""
    folder, owner = Path(tempfile.mkdtemp()), os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """Mounts a file system of `DISK` bytes.

    Raises:
        SystemExit: it cannot be mounted here.
    """
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        sys.exit("make fault-test needs the permission to mount a tmpfs (run it as root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _resize(folder: Path, size: int) -> None:
    command = ["mount", "-o", f"remount,size={size}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def _used(folder: Path) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def _and_again(writer: Writer, folder: Path, found: str) -> str:
    """Writes once more, which must succeed and remove whatever was left of a kill."""
    if found not in ("refused", "killed") or writer.in_process:
        return found
    log = folder.with_name(f"{folder.name}.log")
    try:
        status = _forked(functools.partial(writer.write, folder, 3), folder, log)
        if status or writer.read(folder) != 3:
            lines = log.read_text().splitlines()
            return _told(writer, "lost", f"{found}, and then never written again", *lines)
        # What a killed process left in the system's temporary folder is the system's to remove.
        if found == "killed":
            shutil.rmtree(folder / "tmp", ignore_errors=True)
        return _without_leftovers(writer, folder, found)
    finally:
        log.unlink(missing_ok=True)


def _without_leftovers(writer: Writer, folder: Path, found: str) -> str:
    found_here = (*folder.rglob(".*"), *folder.glob("tmp/*"))
    left = [path.name for path in found_here if path.name != _ALLOWED]
    return _told(writer, "left over", found, *left) if left else found


def _told(writer: Writer, found: str, *lines: str) -> str:
    print(f"{writer.name}: {found}", *lines, sep="\n  ", file=sys.stderr, flush=True)
    return found


def _forked(write: Callable[[], None], folder: Path, log: Path) -> int:
    """Runs a command in a fork of this process; returns its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(_LONGEST)
            _redirect(log)
            status = _status_of(write, folder)
            _exit(status)
        finally:
            os._exit(status)
    return _wait(pid)


def _here(write: Callable[[], None], folder: Path, log: Path) -> int:
    """Runs a command in this process."""
    before, errors = os.dup(2), sys.stderr
    try:
        _redirect(log)
        return _status_of(write, folder)
    finally:
        sys.stderr = errors
        os.dup2(before, 2)
        os.close(before)


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _status_of(write: Callable[[], None], folder: Path) -> int:
    """The exit status of a command; what it tells goes to standard error."""
    from common.command_line import exit_on_user_error

    logging.disable(logging.WARNING)
    before, tempfile.tempdir = tempfile.gettempdir(), str(folder / "tmp")
    try:
        (folder / "tmp").mkdir(exist_ok=True)  # Libraries write temporary files, too.
        with exit_on_user_error():
            write()
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        tempfile.tempdir = before
        logging.disable(logging.NOTSET)


def _kill_at(after: int) -> None:
    """Has this process killed when it renames or removes something, after so many times."""
    done = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal done
        # The exchange of two names is a call of the C library.
        exchange = event == "ctypes.dlsym" and arguments[1] == "renameat2"
        if event in _MOMENTS or exchange:
            if done == after:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1

    sys.addaudithook(hook)


def _reader(writer: Writer, folder: Path, until: float, reads: Path) -> int:
    """Starts a process that reads, and writes one byte per read."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        with reads.open("wb", buffering=0) as file:
            while time.monotonic() < until:
                writer.read(folder)
                file.write(b"1")
        status = 0
    except BaseException as error:
        _told(writer, "mixed or missing", repr(error))
    finally:
        os._exit(status)


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
