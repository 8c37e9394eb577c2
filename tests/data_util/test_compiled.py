import numpy as np

from data_util.compiled import compiled


def test_without_a_place_for_a_cache() -> None:
    # A function that no file holds: Numba finds no place beside its source.
    scope: dict = {}
    exec("def total(numbers):\n    return numbers.sum()", scope)
    assert compiled(scope["total"])(np.arange(4)) == 6
