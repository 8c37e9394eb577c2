"""Functions that XLA compiles, where TensorFlow's own operations go over memory too often."""

from collections.abc import Callable
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of TensorFlow's operations alone, compiled once for each shape it meets.

    Only for what is elementwise or a sum over an axis: the rest is no faster so.
    """
    # Here, because on other backends this program runs without TensorFlow.
    import tensorflow as tf

    return tf.function(function, jit_compile=True, reduce_retracing=True, autograph=False)
