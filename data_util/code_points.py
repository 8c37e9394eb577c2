"""A text as an array of numbers."""

import numpy as np


def code_points(text: str) -> np.ndarray:
    """The code points of a text, (characters,) int32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)
