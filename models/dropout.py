"""Dropout with half of the random bits."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.compiled import compiled

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
        if keras.backend.backend() == "tensorflow":
            seed = ops.cast(self.seed_generator.next(), "int32")
            dropped = ops.convert_to_tensor(dropped, "int32")
            return ops.custom_gradient(_with_gradient)(inputs, seed, dropped)
        width = inputs.shape[-1]
        draws = keras.random.randint(
            (*ops.shape(inputs)[:-1], (width + 1) // 2),
            -(1 << 31),
            (1 << 31) - 1,
            seed=self.seed_generator,
        )
        return _chosen(inputs, ops.view(draws, "uint16")[..., :width] >= dropped, dropped)


def _with_gradient(
    inputs: Any, seed: Any, dropped: Any
) -> tuple[Any, Callable[[Any], tuple[Any, None, None]]]:
    outputs, kept = _drawn(inputs, seed, dropped)
    return outputs, lambda upstream: (_chosen_again(upstream, kept, dropped), None, None)


@compiled
def _drawn(inputs: Any, seed: Any, dropped: Any) -> tuple[Any, Any]:
    """The outputs, and which units are kept, drawn by the generator that XLA makes fastest."""
    import tensorflow as tf  # here: other backends do without it

    *outer, width = ops.shape(inputs)
    draws = tf.random.stateless_uniform(
        (*outer, (width + 1) // 2),
        seed,
        minval=None,
        maxval=None,
        dtype=tf.uint32,
        alg="threefry",
    )
    halves = tf.reshape(tf.bitcast(draws, tf.uint16), (*outer, -1))[..., :width]
    kept = ops.cast(halves, "int32") >= dropped
    return _chosen(inputs, kept, dropped), kept


def _chosen(x: Any, kept: Any, dropped: Any) -> Any:
    """What is kept of x, scaled up."""
    scale = _VALUES / (_VALUES - ops.cast(dropped, x.dtype))
    return ops.where(kept, x * scale, ops.zeros_like(x))


_chosen_again = compiled(_chosen)
