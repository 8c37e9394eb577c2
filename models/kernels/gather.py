"""Gathers the vectors at some positions of a sequence."""

from typing import Any

import keras
from keras import ops


def gather_positions(sequence: Any, positions: Any) -> Any:
    """Returns the vectors at the given positions of each row.

    Args:
        sequence: (batch, length, width).
        positions: (batch, count) int32, below `length`, repetitions allowed; None for all.

    Returns:
        (batch, count, width), or `sequence` itself if `positions` is None.
    """
    if positions is None:
        return sequence
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # imported here: other backends do not need it

        # This gathers whole vectors; Keras' operation gathers single elements, which is slower.
        return tf.gather(sequence, positions, batch_dims=1)
    return ops.take_along_axis(sequence, positions[:, :, None], axis=1)
