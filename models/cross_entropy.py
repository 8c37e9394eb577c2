"""Softmax cross-entropy over many classes, in few passes over the logits."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.compiled import compiled


def cross_entropy(ids: Any, logits: Any) -> tuple[Any, Any]:
    """`-log softmax(logits)[id]`, and the class that is predicted.

    With a vocabulary of 30,000 what TensorFlow does here takes longer than the product that the
    logits come from. XLA needs few passes over them, and only they are kept for the gradient.

    Args:
        ids: (...) int32, the classes.
        logits: (..., classes) float32.

    Returns:
        (...) float32, and (...) int32: the class with the highest logit, the first of several.
    """
    if keras.backend.backend() != "tensorflow":
        losses = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
        return losses, ops.cast(ops.argmax(logits, axis=-1), "int32")
    summary, gradient = _few_passes()

    @ops.custom_gradient
    def loss(logits: Any) -> tuple[Any, Callable[..., Any]]:
        total, predicted = summary(logits)
        chosen = ops.squeeze(ops.take_along_axis(logits, ids[..., None], axis=-1), axis=-1)
        # A predicted class has no gradient, so nothing comes down from it.
        backward = lambda upstream, _: gradient(upstream, ids, logits, total)  # noqa: E731
        return (total - chosen, predicted), backward

    return loss(logits)


@functools.cache
def _few_passes() -> tuple[Callable[[Any], Any], Callable[[Any, Any, Any, Any], Any]]:
    """What is read off the logits, `log(sum(exp(logits)))` and the highest one's class, and the
    gradient of the loss, `softmax(logits) - one_hot(id)`, times that from above."""
    import tensorflow as tf  # here: other backends do without it

    def summary(logits: Any) -> Any:
        # tf.reduce_logsumexp takes a pass more: it looks for infinities.
        highest = tf.reduce_max(logits, axis=-1, keepdims=True)
        total = tf.reduce_sum(tf.exp(logits - highest), axis=-1)
        classes = tf.shape(logits)[-1]
        predicted = tf.reduce_min(tf.where(logits == highest, tf.range(classes), classes), axis=-1)
        return tf.squeeze(highest, axis=-1) + tf.math.log(total), predicted

    def gradient(upstream: Any, ids: Any, logits: Any, total: Any) -> Any:
        chosen = tf.range(tf.shape(logits)[-1]) == ids[..., None]
        softmax = tf.exp(logits - total[..., None])
        return upstream[..., None] * (softmax - tf.cast(chosen, softmax.dtype))

    return compiled(summary), compiled(gradient)
