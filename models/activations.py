"""The activation functions by name."""

from collections.abc import Callable
from functools import partial

import keras

ACTIVATION_FUNCTIONS: dict[str, Callable] = {
    "gelu": partial(keras.ops.gelu, approximate=False),
    "gelu_approximate": partial(keras.ops.gelu, approximate=True),
    "relu": keras.ops.relu,
    "silu": keras.ops.silu,
    "tanh": keras.ops.tanh,
}
