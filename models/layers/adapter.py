"""The bottleneck layer that adapts a frozen network to a task."""

from typing import Any

import keras

from models.kernels.activations import activate
from models.serializable import Serializable

# Small, so that a new adapter is almost the identity (Houlsby et al. 2019, section 3.6).
INITIALIZER_RANGE = 1e-2


@keras.saving.register_keras_serializable(package="models")
class Adapter(Serializable, keras.layers.Layer):
    """Computes `x + gelu(x W_1 + b_1) W_2 + b_2`, with few units between the two matrices.

        >>> Adapter(width=64, size=8)(np.ones((1, 3, 64), "float32")).shape
        TensorShape([1, 3, 64])

    Args:
        width: of x.
        size: the number of units between the matrices.

    References:
        Houlsby et al. 2019, figure 2, right (https://arxiv.org/abs/1902.00751); GELU as in their
        code (https://github.com/google-research/adapter-bert).
    """

    def __init__(self, width: int, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.size = size
        self.down = self._dense(size, "down")
        self.up = self._dense(width, "up")

    def build(self, input_shape: Any = None) -> None:
        """Creates both dense layers."""
        self.down.build((None, None, self.width))
        self.up.build((None, None, self.size))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies the adapter: (batch, length, width) to the same shape."""
        return inputs + self.up(activate("gelu", self.down(inputs), training))

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=INITIALIZER_RANGE),
            dtype=self.dtype_policy,
            name=name,
        )
