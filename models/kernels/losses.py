"""Cross-entropies, that of the softmax with few passes over memory, and the weighted mean."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.kernels.xla_compiled import compiled


def cross_entropy(ids: Any, logits: Any) -> tuple[Any, Any]:
    """Computes `-log softmax(logits)[id]` and the predicted class.

    With a vocabulary of 30,000, TensorFlow's own operation takes longer than the matrix product
    that yields the logits. XLA needs few passes, and only the logits are kept for the gradient.

    Args:
        ids: (...) int32, the target classes.
        logits: (..., classes) float32.

    Returns:
        The losses, (...) float32, and the predicted classes, (...) int32: the first class with the
        highest logit.
    """
    if keras.backend.backend() != "tensorflow":
        losses = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
        return losses, ops.cast(ops.argmax(logits, axis=-1), "int32")

    @ops.custom_gradient
    def loss(logits: Any) -> tuple[Any, Callable[..., Any]]:
        total, predicted = _summary(logits)
        chosen = ops.squeeze(ops.take_along_axis(logits, ids[..., None], axis=-1), axis=-1)
        # The predicted class is not differentiable, so its upstream gradient is ignored.
        backward = lambda upstream, _: _gradient(upstream, ids, logits, total)  # noqa: E731
        return (total - chosen, predicted), backward

    return loss(logits)


@compiled
def _summary(logits: Any) -> tuple[Any, Any]:
    """Returns `log(sum(exp(logits)))` and the class with the highest logit."""
    # ops.logsumexp takes an extra pass to check for infinities.
    highest = ops.max(logits, axis=-1, keepdims=True)
    total = ops.sum(ops.exp(logits - highest), axis=-1)
    classes = ops.shape(logits)[-1]
    candidates = ops.where(logits == highest, ops.arange(classes, dtype="int32"), classes)
    return ops.squeeze(highest, axis=-1) + ops.log(total), ops.min(candidates, axis=-1)


@compiled
def _gradient(upstream: Any, ids: Any, logits: Any, total: Any) -> Any:
    """The gradient of the logits, `upstream * (softmax(logits) - one_hot(id))`."""
    chosen = ops.arange(ops.shape(logits)[-1], dtype="int32") == ids[..., None]
    softmax = ops.exp(logits - total[..., None])
    return upstream[..., None] * (softmax - ops.cast(chosen, softmax.dtype))


def sigmoid_cross_entropy(targets: Any, logits: Any) -> Any:
    """Computes `-log` of the probability of each target that is 0 or 1.

    Args:
        targets: any shape, float32.
        logits: the same shape, float32.

    Returns:
        The losses, of the same shape.
    """
    # softplus(z) - y z, in a form in which no exponential overflows.
    return ops.maximum(logits, 0.0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))


def weighted_mean(
    values: Any, weights: Any = None, all_reduce_sum: Callable[[Any], Any] | None = None
) -> Any:
    """Computes `sum(values * weights) / sum(weights)`, or 0 if all weights are 0.

    Args:
        values: losses, any shape.
        weights: the same shape; None for weights of 1.
        all_reduce_sum: sums a scalar over the replicas that share a batch; None if there is one
            replica. With several, the result is the replica's part of the mean over the whole
            batch: the parts of all replicas, and their gradients, add up to the whole.

    Returns:
        A float32 scalar.
    """
    values = ops.cast(values, "float32")
    weights = ops.ones_like(values) if weights is None else ops.cast(weights, "float32")
    total = ops.sum(weights)
    if all_reduce_sum is not None:
        # Averaging the replicas' means would overweight the targets of replicas with few of them.
        total = all_reduce_sum(total)
    return ops.divide_no_nan(ops.sum(values * weights), total)
