"""A decorator that compiles a function with XLA on TensorFlow."""

import functools
from collections.abc import Callable
from typing import Any

import keras


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function with XLA on TensorFlow; other backends compile the whole step anyway.

    It pays for elementwise operations and sums over an axis, which XLA fuses into few passes over
    memory; other operations gain nothing. Gradients must be given by `ops.custom_gradient`.

        >>> compiled(lambda x: 0.5 * x * x)(np.ones((2, 3), "float32")).shape
        TensorShape([2, 3])

    Args:
        function: takes and returns arrays, and uses `keras.ops` only.

    Returns:
        A function that is compiled once for each shape of its arguments.
    """

    @functools.cache
    def on_this_backend(ranks: tuple[int, ...]) -> Callable[..., Any]:
        """One function per number of dimensions: a trace shared by several would lose the rank."""
        if keras.backend.backend() != "tensorflow":
            return function
        import tensorflow as tf  # imported here: other backends do not need it

        return tf.function(function, jit_compile=True, reduce_retracing=True, autograph=False)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return on_this_backend(tuple(len(argument.shape) for argument in arguments))(*arguments)

    return call
