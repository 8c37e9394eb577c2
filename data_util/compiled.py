"""Functions in machine code."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable)

_FOLDER = Path(__file__).parent


def compiled(function: Function) -> Function:
    """Compiles a function of numbers and arrays by Numba when it is first called.

    The machine code is kept on the disk for the next process, beside the source or in the user's
    cache folder; where neither can be written to, every process compiles for itself. Other threads
    go on while it runs.
    """
    made: Any
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(Path(before or _FOLDER / "__pycache__") / _state_of_sources())
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no place for a cache
        made = numba.njit(nogil=True)(function)
    finally:
        config.CACHE_DIR = before
    return made


@functools.cache
def _state_of_sources() -> str:
    """A name for what the files of this folder hold now.

    Numba makes a function anew when the function's own file has changed, but not when only a
    function that it calls has, in another file.
    """
    digest = hashlib.sha256()
    for path in sorted(_FOLDER.glob("*.py")):
        digest.update(path.read_bytes())
    return f"numba-{digest.hexdigest()[:16]}"
