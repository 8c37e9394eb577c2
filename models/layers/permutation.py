"""The attention masks of a factorization order."""

from typing import Any

from keras import ops


def permutation_masks(positions: Any, padding_mask: Any) -> tuple[Any, Any]:
    """Computes which tokens the content stream and the query stream see.

    The targets are predicted one after the other. A position that is no target sees all that are
    none. In the content stream a target sees these, the targets before it in the order, and itself;
    in the query stream, which predicts it, all of these but itself.

    Args:
        positions: (batch, count) int32, the positions of the targets in the order in which they are
            predicted. 0, the position of [CLS], is never a target: it marks a slot without one.
        padding_mask: (batch, length) bool, True at tokens.

    Returns:
        The masks of the content stream, (batch, length, length), and of the query stream, (batch,
        count, length): bool, True where a position sees another.

    References:
        Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language
        Understanding", sections 2.2 and 2.3 (https://arxiv.org/abs/1906.08237).
    """
    positions = ops.expand_dims(ops.cast(positions, "int32"), 2)
    numbers = 1 + ops.expand_dims(ops.arange(ops.shape(positions)[1], dtype="int32"), 1)
    places = ops.arange(ops.shape(padding_mask)[1], dtype="int32")
    is_target = (positions == places) & (positions > 0)
    # From 1 for the first target; 0 for all that is known from the start.
    ranks = ops.sum(ops.where(is_target, numbers, 0), axis=1)
    keys, real = ops.expand_dims(ranks, 1), ops.expand_dims(padding_mask, 1)
    return (keys <= ops.expand_dims(ranks, 2)) & real, (keys < numbers) & real
