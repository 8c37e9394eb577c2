"""A lock that ensures one run per folder; the kernel releases it when the process ends."""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from filelock import lock_descriptor

from common.errors import OptionError

logger = logging.getLogger(__name__)

LOCK = ".lock"


class RunLock:
    """Locks a folder for this process until `release` is called or the process ends.

        lock = RunLock(Path("checkpoint_lm"), "ckpt_dir")
        lock.release()

    Args:
        folder: an existing folder.
        option: the name of the option that gives it, for messages.

    Raises:
        OptionError: another run has locked it, or the lock file is a link or no file.
        OSError: the folder cannot be written.

    References:
        flock(2), https://man7.org/linux/man-pages/man2/flock.2.html, and LockFileEx on Windows.
    """

    def __init__(self, folder: Path, option: str) -> None:
        self._path = folder / LOCK
        while True:
            if self._path.is_symlink():
                raise OptionError(
                    f"--{option}={folder}: {LOCK} in it is a symbolic link, whose target would be "
                    "overwritten. Remove it."
                )
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            status = os.fstat(self._descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                os.close(self._descriptor)
                raise OptionError(
                    f"--{option}={folder}: {LOCK} in it is not a file of its own (it has another "
                    "name too, or is a pipe or a device), and would be overwritten. Remove it."
                )
            try:
                if not lock_descriptor(self._descriptor, blocking=False):
                    holder = self._holder()
                    os.close(self._descriptor)
                    raise OptionError(
                        f"--{option}={folder}: another run{f' (process {holder})' * bool(holder)} "
                        "is writing to this folder. Wait until it ends, or give another folder."
                    )
            except OSError as error:
                # Some network file systems do not support locks; the run continues without one.
                logger.warning(
                    "%s: the folder cannot be locked (%s): start only one run in it",
                    folder,
                    error.strerror,
                )
                return
            if self.is_in_place():
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, b"%d\n" % os.getpid())
                return
            # Its owner removed the file after it was opened here and before it was locked: retry.
            os.close(self._descriptor)

    def release(self) -> None:
        """Releases the lock. That of another run, in a folder that replaced this one, stays."""
        own = removed = False
        with suppress(OSError):
            own = self.is_in_place()
            if own:
                self._path.unlink()
                removed = True
        os.close(self._descriptor)
        if own and not removed:  # Windows removes no open file.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _holder(self) -> str:
        """The process that has locked the folder, if it can be read, which it cannot on Windows."""
        with suppress(OSError):
            return os.read(self._descriptor, 32).decode(errors="replace").strip()
        return ""

    def is_in_place(self) -> bool:
        """Whether the lock is still in its folder, which may have been moved or replaced."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except (FileNotFoundError, NotADirectoryError):
            return False
