import zlib

import numpy as np
import pytest

from common.errors import InputError
from common.random_streams import random_generator


def draw(*arguments):
    return random_generator(*arguments).integers(0, 2**63, 4).tolist()


def test_is_a_function_of_seed_name_and_indices():
    assert draw(1, "masks", 2, 3) == draw(1, "masks", 2, 3)


def test_is_numpys_generator_of_the_documented_seeds():
    expected = np.random.default_rng(np.random.SeedSequence([7, zlib.crc32(b"order"), 5]))
    assert draw(7, "order", 5) == expected.integers(0, 2**63, 4).tolist()


def test_streams_differ():
    keys = [
        (1, "masks", 2, 3),
        (2, "masks", 2, 3),
        (1, "pairs", 2, 3),
        (1, "masks", 3, 2),
        (1, "masks", 2, 4),
        (1 + 2**32, "masks", 2, 3),
    ]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)


def test_negative_seed():
    with pytest.raises(InputError, match=r"0 or more. Received: -1"):
        random_generator(-1, "masks")
