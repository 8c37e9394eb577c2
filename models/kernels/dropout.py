"""Dropout with half of the random bits."""

from typing import Any

import keras
from keras import ops

_VALUES = 1 << 16


@keras.saving.register_keras_serializable(package="models")
class Dropout(keras.layers.Dropout):
    """Keras' dropout, which sets a share of `rate` to 0 and scales up what is left.

    Keras draws 32 random bits a unit, which is most of what dropout takes on a CPU. Here it is
    16, so that `rate` is rounded to a multiple of 1 / 65,536.

    References:
        Srivastava et al. 2014 (https://jmlr.org/papers/v15/srivastava14a.html).
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """(..., width) to the same shape, width known beforehand."""
        dropped = round(self.rate * _VALUES)
        if not training or not dropped:
            return inputs
        width = inputs.shape[-1]
        draws = keras.random.randint(
            (*ops.shape(inputs)[:-1], (width + 1) // 2),
            -(1 << 31),
            (1 << 31) - 1,
            seed=self.seed_generator,
        )
        kept = ops.view(draws, "uint16")[..., :width] >= dropped
        # Scaled before they meet: a pass less for the gradient, which goes the same way.
        return inputs * (ops.cast(kept, inputs.dtype) * (_VALUES / (_VALUES - dropped)))
