"""A loop over the positions of a batch, for lengths that are known only when it runs."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def last_state(
    step: Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Any, ...]],
    start: tuple[Any, ...],
    sequences: tuple[Any, ...],
) -> tuple[Any, ...]:
    """The state after the last position.

    `keras.ops.scan` needs a length that is known when TensorFlow traces the model, and keeps every
    state.

    Args:
        step: from the state and the arrays of a position to the next state, of the same shapes.
        start: the state before the first position, a tuple of arrays.
        sequences: arrays (length, ...).

    Returns:
        A tuple as `start`.
    """
    if keras.backend.backend() != "tensorflow":

        def step_and_state(state: Any, position: Any) -> tuple[Any, Any]:
            following = step(state, position)
            return following, ops.zeros(())

        return ops.scan(step_and_state, start, sequences)[0]
    import tensorflow as tf

    sequences = tuple(map(tf.convert_to_tensor, sequences))
    length = tf.shape(sequences[0])[0]
    arrays = [
        tf.TensorArray(array.dtype, size=length, element_shape=array.shape[1:]).unstack(array)
        for array in sequences
    ]
    shapes = tuple(tf.TensorShape([None] * len(state.shape)) for state in start)

    def body(place: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        return place + 1, step(state, tuple(array.read(place) for array in arrays))

    _, state = tf.while_loop(
        lambda place, _: place < length,
        body,
        (0, tuple(map(tf.convert_to_tensor, start))),
        shape_invariants=(tf.TensorShape([]), shapes),
        maximum_iterations=length,
    )
    return state
