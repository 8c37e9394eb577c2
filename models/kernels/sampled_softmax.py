"""A softmax over part of the vocabulary, whose loss estimates that over the whole of it."""

import math
from typing import Any

from keras import ops

# Added to a candidate that is the target itself, which would count twice.
_HIT = -1e9


def sampled_logits(
    vectors: Any,
    target_ids: Any,
    table: Any,
    bias: Any,
    frequent: int,
    sampled_ids: Any,
) -> Any:
    """Logits of each target and of the candidates that it is measured against; the target is first.

    The candidates are the ids below `frequent`, all of them, and a uniform sample of the others,
    each of which stands for `(vocab_size - frequent) / samples` of them: that factor, in the
    exponent, makes the sum of the exponentials an unbiased estimate of the sum over the whole
    vocabulary. Ids go by falling frequency, so most of the probability is summed exactly.

    Args:
        vectors: (targets, width).
        target_ids: (targets,) int.
        table: (vocab_size, width), the output embedding.
        bias: (vocab_size,) float32.
        frequent: ids below this are all candidates; at least 1 and below vocab_size.
        sampled_ids: (samples,) int, drawn uniformly from `frequent` to `vocab_size - 1`.

    Returns:
        (targets, 1 + frequent + samples) float32; cross-entropy with class 0 is the loss.

    References:
        Bengio & Senecal 2008, "Adaptive importance sampling to accelerate training of a neural
        probabilistic language model"; Jean et al. 2015, section 3.1
        (https://arxiv.org/abs/1412.2007).
    """
    vocab_size, samples = table.shape[0], sampled_ids.shape[0]
    rows = ops.take(table, target_ids, axis=0)
    # Half precision cannot add up so many products.
    products = ops.cast(vectors, "float32") * ops.cast(rows, "float32")
    true = ops.sum(products, axis=-1, keepdims=True) + ops.take(bias, target_ids)[:, None]
    head = ops.matmul(vectors, ops.transpose(table[:frequent]))
    tail = ops.matmul(vectors, ops.transpose(ops.take(table, sampled_ids, axis=0)))
    weight = math.log((vocab_size - frequent) / samples)
    offsets = ops.concatenate([bias[:frequent], ops.take(bias, sampled_ids) + weight])
    others = ops.cast(ops.concatenate([head, tail], axis=-1), "float32") + offsets
    candidates = ops.concatenate([ops.arange(frequent, dtype="int32"), sampled_ids])
    hits = ops.equal(target_ids[:, None], candidates[None, :])
    return ops.concatenate([true, others + _HIT * ops.cast(hits, "float32")], axis=-1)
