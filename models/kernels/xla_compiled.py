"""Functions that XLA compiles, where TensorFlow's own operations go over memory too often."""

import functools
from collections.abc import Callable
from typing import Any

import keras


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of `keras.ops` alone, compiled once for each shape it meets.

    Only for what is elementwise or a sum over an axis: the rest is no faster so. It has no
    gradient of its own on TensorFlow. Other backends compile the whole step: there it is the
    function itself.
    """

    @functools.cache
    def on_this_backend(ranks: tuple[int, ...]) -> Callable[..., Any]:
        """One for each number of dimensions: a trace that serves several would know no shape."""
        if keras.backend.backend() != "tensorflow":
            return function
        import tensorflow as tf  # here: other backends do without it

        return tf.function(function, jit_compile=True, reduce_retracing=True, autograph=False)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return on_this_backend(tuple(len(argument.shape) for argument in arguments))(*arguments)

    return call
