"""Some of a sequence's positions."""

from typing import Any

import keras
from keras import ops


def gather_positions(sequence: Any, positions: Any) -> Any:
    """The vectors at some positions of each row.

    Args:
        sequence: (batch, length, width).
        positions: (batch, count) int32, below `length`; a position may come twice. None: all.

    Returns:
        (batch, count, width); with None the sequence as it is.
    """
    if positions is None:
        return sequence
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # here: other backends do without it

        # Whole vectors at once; Keras' operation takes them number by number.
        return tf.gather(sequence, positions, batch_dims=1)
    return ops.take_along_axis(sequence, positions[:, :, None], axis=1)
