"""Where the newest files of a checkpoint folder are, while a run may be publishing newer ones."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from common.errors import CheckpointError, UserError

MANIFEST = "manifest.json"
COMPLETE = ".complete"
_ATTEMPTS = 20
_SECONDS_BETWEEN = 0.05

Result = TypeVar("Result")


def latest(folder: Path, name: str) -> Path:
    """The path of the newest complete version of a file of the folder."""
    complete = folder / COMPLETE
    if not complete.is_symlink() and (complete / name).exists():
        return complete / name
    return folder / name


def manifest_digest(folder: Path) -> str | None:
    """Identifies the newest checkpoint of a folder; None if there is none.

    A new manifest appears before any file of the old checkpoint is replaced. So what was read
    between two equal results belongs to one checkpoint.
    """
    for _ in range(_ATTEMPTS):
        path = latest(folder, MANIFEST)
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            if path == folder / MANIFEST:
                return None
            # It has been moved up in between.
        except OSError:
            return None
    return None


def read_published(folder: Path, read: Callable[[], Result]) -> Result:
    """Reads something of a folder, and reads it again if a run published a checkpoint meanwhile.

    Args:
        folder: the checkpoint folder.
        read: reads from it; called again where another checkpoint appeared, or an error may come
            from files that were just moved.

    Raises:
        CheckpointError: newer checkpoints appeared faster than one could be read.
        UserError, OSError: whatever `read` raises though the folder does not change.
    """
    for _ in range(_ATTEMPTS):
        before = manifest_digest(folder)
        moving = (folder / COMPLETE).exists()
        try:
            result = read()
        except (UserError, OSError):
            moving = moving or (folder / COMPLETE).exists()
            if not moving and manifest_digest(folder) == before:
                raise
        else:
            if manifest_digest(folder) == before:
                return result
        time.sleep(_SECONDS_BETWEEN)
    if manifest_digest(folder) == before:
        return read()  # It does not change: whatever is wrong stays.
    raise replaced(folder)


def replaced(folder: Path) -> CheckpointError:
    """The error of a checkpoint that another one has replaced since it was read."""
    return CheckpointError(
        f"{folder}: a run has replaced this checkpoint since it was read. Repeat the command, when "
        "the run has ended."
    )
