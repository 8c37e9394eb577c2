import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_util import compiled as module
from data_util.compiled import compiled

INNER = """
from data_util.compiled import compiled

@compiled
def number():
    return {}
"""
OUTER = """
from data_util.compiled import compiled
from data_util.inner import number

@compiled
def doubled():
    return 2 * number()
"""


@pytest.fixture
def package(tmp_path) -> Path:
    """A copy of the module, with a function in one file that calls one in another."""
    folder = tmp_path / "data_util"
    folder.mkdir()
    (folder / "__init__.py").touch()
    shutil.copy(module.__file__, folder / "compiled.py")
    (folder / "outer.py").write_text(OUTER)
    (folder / "inner.py").write_text(INNER.format(3))
    return folder


def doubled(package: Path) -> int:
    code = "from data_util.outer import doubled; print(doubled())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
    )
    return int(run.stdout)


def test_the_next_process_finds_the_machine_code(package) -> None:
    assert doubled(package) == 6
    kept = sorted(package.rglob("*.nbc"))
    assert len(kept) == 2
    times = [path.stat().st_mtime_ns for path in kept]
    assert doubled(package) == 6
    assert [path.stat().st_mtime_ns for path in sorted(package.rglob("*.nbc"))] == times


def test_a_change_in_another_file_is_not_missed(package) -> None:
    assert doubled(package) == 6
    (package / "inner.py").write_text(INNER.format(4))
    assert doubled(package) == 8


def test_without_a_place_for_a_cache() -> None:
    # A function that no file holds: Numba finds no place beside its source.
    scope: dict = {}
    exec("def total(numbers):\n    return numbers.sum()", scope)
    assert compiled(scope["total"])(np.arange(4)) == 6
