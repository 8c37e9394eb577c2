"""Named streams of random numbers: every draw is a function of the seed and a name."""

import zlib
from typing import TYPE_CHECKING

from common.errors import InputError

if TYPE_CHECKING:
    import numpy as np


def random_generator(seed: int, stream: str, *indices: int) -> "np.random.Generator":
    """The generator of one purpose, and of one epoch or batch of it.

    Streams of different names or indices are independent, so what one part of a program draws
    does not depend on how much another part has drawn.

    Args:
        seed: of the run, 0 or more.
        stream: what is drawn, such as "train masks".
        indices: an epoch, a batch, ...: each 0 or more. Use the same number of them for every
            generator of a stream: NumPy's seeding treats a missing one as 0.

    Raises:
        InputError: the seed is negative.
    """
    # Imported here, so that the modules of commands load quickly.
    import numpy as np

    if seed < 0:
        raise InputError(f"the seed must be 0 or more. Received: {seed}")
    entropy = [seed, zlib.crc32(stream.encode()), *indices]
    return np.random.default_rng(np.random.SeedSequence(entropy))
