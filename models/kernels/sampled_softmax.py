"""Sampled softmax: estimates the loss over the vocabulary from a part of it."""

import math
from typing import Any

from keras import ops

# Added to the logit of a candidate that equals the target, which would otherwise count twice.
_HIT = -1e9


def sampled_logits(
    vectors: Any,
    target_ids: Any,
    table: Any,
    bias: Any,
    frequent: int,
    sampled_ids: Any,
) -> Any:
    """Computes the logits of each target, in the first place, and of its candidates.

    The candidates are all ids below `frequent` and a uniform sample of the others. Each sampled id
    represents `(vocab_size - frequent) / samples` ids; with this factor, the sum of exponentials is
    an unbiased estimate of the sum over the whole vocabulary. Ids are ordered by falling frequency,
    so most of the probability mass is summed exactly.

    Args:
        vectors: (targets, width).
        target_ids: (targets,) int.
        table: (vocab_size, width), the output embedding.
        bias: (vocab_size,) float32.
        frequent: all ids below it are candidates; at least 1 and below `vocab_size`.
        sampled_ids: (samples,) int, drawn uniformly from `frequent` to `vocab_size - 1`.

    Returns:
        (targets, 1 + frequent + samples) float32; the loss is the cross-entropy with class 0.

    References:
        Bengio & Senecal 2008, "Adaptive importance sampling to accelerate training of a neural
        probabilistic language model"; Jean et al. 2015, section 3.1
        (https://arxiv.org/abs/1412.2007).
    """
    vocab_size, samples = table.shape[0], sampled_ids.shape[0]
    rows = ops.take(table, target_ids, axis=0)
    # In float32: half precision is too coarse for a sum of this many products.
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
