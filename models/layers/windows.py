"""Cuts documents into windows of the length that a backbone reads."""

from collections.abc import Mapping
from typing import Any

from keras import ops

# Below every real score, and finite in half precision.
_MASKED = -3e4
# [CLS] and [SEP]
_RESERVED = 2


def cut(inputs: Mapping[str, Any], length: int) -> tuple[dict[str, Any], Any]:
    """Cuts each document `[CLS] text [SEP]` into as many windows as the longest one needs.

    Each window is `[CLS] part [SEP]`, the parts follow one another, and all but a document's last
    one are full.

    Args:
        inputs: the backbone's inputs of documents, (rows, L).
        length: of a window.

    Returns:
        The inputs of the windows, (rows * windows, length), or (rows, L) where L is not longer; and
        which windows have text, (rows, windows) bool. The first one always counts.
    """
    ids, mask = inputs["token_ids"], ops.cast(inputs["padding_mask"], "bool")
    rows, total = ops.shape(ids)[0], ops.shape(ids)[1]
    # Numbers, or tensors where the length is not known before the model runs.
    least, most = (min, max) if isinstance(total, int) else (ops.minimum, ops.maximum)
    length = least(length, total)
    content = most(length - _RESERVED, 1)
    count = most((total - _RESERVED + content - 1) // content, 1)
    tokens = ops.sum(ops.cast(mask, "int32"), axis=1) - _RESERVED
    first = content * ops.arange(count, dtype="int32")
    sizes = ops.clip(ops.expand_dims(tokens, 1) - first, 0, content)
    places = ops.arange(length, dtype="int32")
    # [CLS] at the beginning, then the window's part.
    positions = ops.expand_dims(first, 1) + places
    positions = ops.where(places == 0, 0, ops.minimum(positions, total - 1))
    parts = ops.take(ids, ops.reshape(positions, (-1,)), axis=1)
    parts = ops.reshape(parts, (rows, count, length))
    ends = ops.expand_dims(sizes, 2) + 1
    separator = ops.take_along_axis(ids, ops.expand_dims(tokens + 1, 1), axis=1)
    parts = ops.where(places == ends, ops.expand_dims(separator, 2), parts)
    real = places <= ends
    windows = {
        "token_ids": ops.reshape(parts, (rows * count, length)),
        "padding_mask": ops.reshape(real, (rows * count, length)),
    }
    windows["segment_ids"] = ops.zeros_like(windows["token_ids"])
    return windows, (sizes > 0) | (ops.arange(count) == 0)


def highest(scores: Any, real: Any) -> Any:
    """The highest of each score over the windows of a document.

    Args:
        scores: (rows * windows, count).
        real: (rows, windows) bool, from `cut`.

    Returns:
        (rows, count).
    """
    shape = ops.shape(real)
    scores = ops.reshape(scores, (shape[0], shape[1], scores.shape[-1]))
    return ops.max(ops.where(ops.expand_dims(real, 2), scores, _MASKED), axis=1)
