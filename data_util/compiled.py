"""Functions in machine code."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable)


def compiled(function: Function) -> Function:
    """Compiles a function of numbers and arrays by Numba when it is first called.

    The machine code is kept on the disk for the next process, beside the source or in the user's
    cache folder; where neither can be written to, every process compiles for itself.
    """
    made: Any
    try:
        made = numba.njit(cache=True)(function)
    except RuntimeError:  # no place for a cache
        made = numba.njit(function)
    return made
