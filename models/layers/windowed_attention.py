"""Multi-head attention within a window, and to and from the first position."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.kernels.attention import dot_product_attention
from models.kernels.gather import gather_positions
from models.layers.multi_head_attention import MultiHeadAttention
from models.layers.positions import rotate

# The position of a key that no query sees.
_NOWHERE = 2**30


@keras.saving.register_keras_serializable(package="models")
class WindowedAttention(MultiHeadAttention):
    """Self-attention in which a position sees the `window / 2` positions to each side of it.

    The first position, [CLS], is global: all positions see it, and it sees all, with projections of
    its own. With a `visibility` other than "both", a position sees the half of the window on that
    side of it: with "left" the first position sees only itself, with "right" no other one sees it.

    The sequence is cut into blocks of `window / 2` queries, each with the keys of its own block and
    of both neighbours, so that time and memory grow with the length and not with its square. A
    sequence of at most three blocks is one block. Where only some positions are computed, the
    scores of these and of all keys are computed and masked.

        >>> layer = WindowedAttention(window=4, num_heads=2, d_k=8, d_v=8, d_model=16)
        >>> layer(np.ones((1, 9, 16), "float32")).shape
        TensorShape([1, 9, 16])

    Args:
        window: the number of positions to both sides together, even.
        kwargs: the arguments of `MultiHeadAttention`.

    References:
        Beltagy et al. 2020, "Longformer: The Long-Document Transformer", sections 3.1 and 3.2
        (https://arxiv.org/abs/2004.05150).
    """

    def __init__(self, *, window: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.window = window
        self.query_global = self._projection(self.num_heads * self.d_k, "query_global")
        self.key_global = self._projection(self.num_heads * self.d_k, "key_global")
        self.value_global = self._projection(self.num_heads * self.d_v, "value_global")

    def build(
        self, query_shape: tuple, key_shape: tuple | None = None, value_shape: tuple | None = None
    ) -> None:
        """Creates the four projections, and the three of the first position."""
        super().build(query_shape)
        for projection in (self.query_global, self.key_global, self.value_global):
            projection.build(query_shape)

    def heads(
        self,
        query: Any,
        key: Any,
        value: Any,
        mask: Any,
        positions: Any,
        visibility: str,
        dropout: Callable[[Any], Any] | None,
    ) -> Any:
        """See `MultiHeadAttention.heads`.

        Raises:
            ValueError: `key` was given: a window is one of the sequence itself.
        """
        if key is not None:
            raise ValueError("windowed attention attends to its own input: leave out `key`.")
        if mask is None:
            mask = ops.ones(ops.shape(query)[:2], "bool")
        first = self._first(query, mask, visibility, dropout)
        q, k, v = self._projected(gather_positions(query, positions), query, query, positions)
        if positions is None:
            others = self._in_blocks(q, k, v, mask, visibility, dropout)[:, 1:]
            return ops.concatenate([first, others], axis=1)
        places = ops.arange(ops.shape(query)[1], dtype="int32")
        positions = ops.cast(positions, "int32")
        seen = self._sees(positions, places, visibility) & ops.expand_dims(mask, 1)
        others = dot_product_attention(q, k, v, ops.expand_dims(seen, 1), dropout)
        return ops.where(ops.expand_dims(positions == 0, (2, 3)), first, others)

    def _first(
        self, x: Any, mask: Any, visibility: str, dropout: Callable[[Any], Any] | None
    ) -> Any:
        """The heads of the first position, (batch, 1, num_heads, d_v)."""
        if visibility == "left":
            # It sees itself alone; with a second key, because Keras warns of a softmax over one.
            mask = (mask & (ops.arange(ops.shape(mask)[1]) == 0))[:, :2]
            x = x[:, :2]
        q = self._split_heads(self.query_global(x[:, :1]), self.d_k)
        k = self._split_heads(self.key_global(x), self.d_k)
        v = self._split_heads(self.value_global(x), self.d_v)
        if self.rotary:
            k = rotate(k)  # The query is at position 0, where nothing is rotated.
        return dot_product_attention(q, k, v, ops.expand_dims(mask, (1, 2)), dropout)

    def _sees(self, queries: Any, keys: Any, visibility: str) -> Any:
        """Whether each query sees each key, (..., T, S) bool, by their positions.

        Args:
            queries: (..., T) int32.
            keys: (..., S) int32.
        """
        half = self.window // 2
        # Not by indexing with None: the converters of exports do not know all forms of it.
        keys = ops.expand_dims(keys, -2)
        distance = keys - ops.expand_dims(queries, -1)
        lowest = 0 if visibility == "right" else -half
        highest = 0 if visibility == "left" else half
        near = (distance >= lowest) & (distance <= highest)
        return near if visibility == "right" else near | (keys == 0)

    def _in_blocks(
        self, q: Any, k: Any, v: Any, mask: Any, visibility: str, dropout: Callable | None
    ) -> Any:
        """The heads of all positions but the first, whose values are to be replaced."""
        batch, length = ops.shape(q)[:2]
        size, neighbours = self._block_size(length)
        count = (length + size - 1) // size

        def blocks(x: Any) -> Any:
            """(batch, length, ...) to (batch, count, size, ...), padded with zeros."""
            rest = [(0, 0)] * (len(x.shape) - 2)
            x = ops.pad(x, [(0, 0), (0, count * size - length), *rest])
            return ops.reshape(x, (batch, count, size, *x.shape[2:]))

        def with_neighbours(x: Any) -> Any:
            """The vectors of the first position and of three blocks, (batch * count, keys, ...)."""
            own, rest = blocks(x), [(0, 0)] * (len(x.shape) - 1)
            before = ops.pad(own, [(0, 0), (1, 0), *rest])[:, :-1, :neighbours]
            after = ops.pad(own, [(0, 0), (0, 1), *rest])[:, 1:, :neighbours]
            first = ops.expand_dims(x[:, :1], 1)
            first = ops.broadcast_to(first, (batch, count, 1, *x.shape[2:]))
            joined = ops.concatenate([first, before, own, after], axis=2)
            return ops.reshape(joined, (batch * count, 1 + size + 2 * neighbours, *x.shape[2:]))

        starts = ops.expand_dims(size * ops.arange(count, dtype="int32"), 1)
        queries = starts + ops.arange(size, dtype="int32")
        keys = starts + ops.arange(-neighbours, size + neighbours, dtype="int32")
        # The first position is among the keys already.
        keys = ops.where((keys > 0) & (keys < length), keys, _NOWHERE)
        keys = ops.pad(keys, [(0, 0), (1, 0)])
        seen = self._sees(queries, keys, visibility)
        real = ops.reshape(with_neighbours(mask), (batch, count, 1, -1))
        seen = ops.reshape(seen & real, (batch * count, 1, size, -1))
        q = ops.reshape(blocks(q), (batch * count, size, self.num_heads, self.d_k))
        heads = dot_product_attention(q, with_neighbours(k), with_neighbours(v), seen, dropout)
        heads = ops.reshape(heads, (batch, count * size, self.num_heads, self.d_v))
        return heads[:, :length]

    def _block_size(self, length: Any) -> tuple[Any, Any]:
        """The number of queries of a block, and of keys of the block at each side of it.

        Args:
            length: a number, or an integer tensor where it is not known before the model runs.
        """
        half = self.window // 2
        if isinstance(length, int):
            return (length, 0) if length <= 3 * half else (half, half)
        is_short = length <= 3 * half
        return ops.where(is_short, length, half), ops.where(is_short, 0, half)
