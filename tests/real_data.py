"""Where the real data is that some tests want."""

import os
from pathlib import Path

import pytest

_BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared" / "data"


def real_file(name: str) -> Path:
    """A file of the development data; skips the test where it is not there."""
    path = Path(os.environ.get("BLU_DATA", _BESIDE_THE_REPOSITORY)) / name
    if not path.is_file():
        pytest.skip(f"no {path}: set BLU_DATA to the folder of the development data")
    return path
