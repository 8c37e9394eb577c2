"""One run per folder: a lock that the kernel frees when its process ends, however it ends."""

import fcntl
import logging
import os
from pathlib import Path

from common.errors import OptionError

logger = logging.getLogger(__name__)

LOCK = ".lock"


class RunLock:
    """Holds a folder for this process until `release` or the process' end.

    Args:
        folder: is there.
        option: the option that named it, for messages.

    Raises:
        OptionError: another run holds it, or its lock is a symbolic link.
        OSError: the folder cannot be written to.

    References:
        flock(2), https://man7.org/linux/man-pages/man2/flock.2.html
    """

    def __init__(self, folder: Path, option: str) -> None:
        self._path = folder / LOCK
        while True:
            if self._path.is_symlink():
                raise OptionError(
                    f"--{option}={folder}: {LOCK} in it is a symbolic link; what "
                    "it points to would be overwritten. Remove it."
                )
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
                os.close(self._descriptor)
                raise OptionError(
                    f"--{option}={folder}: another run{f' (process {holder})' if holder else ''} "
                    "is writing to this folder. Wait for its end, or give another folder."
                ) from None
            except OSError as error:
                # Some network file systems have no locks; better without than not at all.
                logger.warning("%s: no lock here (%s): start one run only", folder, error.strerror)
                return
            if self._is_still_there():
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, b"%d\n" % os.getpid())
                return
            # Its owner removed it between our opening and our locking it.
            os.close(self._descriptor)

    def release(self) -> None:
        """Releases the folder."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_still_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False
