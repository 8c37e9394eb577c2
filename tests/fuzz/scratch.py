"""Where fuzz targets write their inputs."""

import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")


def folder() -> Path:
    """A temporary folder; in memory where that is possible, since every input is written there."""
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None))
