"""No noise: every token stays visible."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.base import Noise


class NoNoise(Noise):
    """Hides nothing and adds no arrays: for objectives that read the text as it is."""

    stream: ClassVar[str] = "none"

    def arrays(
        self, batch: Mapping[str, np.ndarray], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """No arrays."""
        return {}
