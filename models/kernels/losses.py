"""Softmax cross-entropy over many classes in few passes, and the weighted mean of a loss."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.kernels.xla_compiled import compiled


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

    @ops.custom_gradient
    def loss(logits: Any) -> tuple[Any, Callable[..., Any]]:
        total, predicted = _summary(logits)
        chosen = ops.squeeze(ops.take_along_axis(logits, ids[..., None], axis=-1), axis=-1)
        # A predicted class has no gradient, so nothing comes down from it.
        backward = lambda upstream, _: _gradient(upstream, ids, logits, total)  # noqa: E731
        return (total - chosen, predicted), backward

    return loss(logits)


@compiled
def _summary(logits: Any) -> tuple[Any, Any]:
    """What is read off the logits: `log(sum(exp(logits)))`, and the highest one's class."""
    # ops.logsumexp takes a pass more: it looks for infinities.
    highest = ops.max(logits, axis=-1, keepdims=True)
    total = ops.sum(ops.exp(logits - highest), axis=-1)
    classes = ops.shape(logits)[-1]
    candidates = ops.where(logits == highest, ops.arange(classes, dtype="int32"), classes)
    return ops.squeeze(highest, axis=-1) + ops.log(total), ops.min(candidates, axis=-1)


@compiled
def _gradient(upstream: Any, ids: Any, logits: Any, total: Any) -> Any:
    """That of the loss, `softmax(logits) - one_hot(id)`, times the one from above."""
    chosen = ops.arange(ops.shape(logits)[-1], dtype="int32") == ids[..., None]
    softmax = ops.exp(logits - total[..., None])
    return upstream[..., None] * (softmax - ops.cast(chosen, softmax.dtype))


def weighted_mean(
    values: Any, weights: Any = None, all_reduce_sum: Callable[[Any], Any] | None = None
) -> Any:
    """`sum(values * weights) / sum(weights)`, 0 where no weight is above 0.

    Args:
        values: losses, any shape.
        weights: the same shape; all 1 where it is None.
        all_reduce_sum: adds up a number over the replicas that share a batch; None: there is one.
            A replica's result is then its part of the mean over the whole batch: the parts of
            all replicas add up to it, and so do their gradients.

    Returns:
        A float32 scalar.
    """
    values = ops.cast(values, "float32")
    weights = ops.ones_like(values) if weights is None else ops.cast(weights, "float32")
    total = ops.sum(weights)
    if all_reduce_sum is not None:
        # Means of replicas would count the targets of one that has few for more.
        total = all_reduce_sum(total)
    return ops.divide_no_nan(ops.sum(values * weights), total)
