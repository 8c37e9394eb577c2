"""Multi-head scaled dot-product attention."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from models.kernels.attention import dot_product_attention
from models.kernels.gather import gather_positions
from models.layers.positions import rotate
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class MultiHeadAttention(Serializable, keras.layers.Layer):
    """Computes `Concat(head_1, ..., head_h) W^O`, `head_i = softmax(Q_i K_i^T / sqrt(d_k)) V_i`.

    `d_k`, `d_v` and `d_model` are independent of one another.

        >>> layer = MultiHeadAttention(num_heads=2, d_k=8, d_v=8, d_model=16)
        >>> layer(np.ones((1, 3, 16), "float32")).shape  # self-attention
        TensorShape([1, 3, 16])

    Args:
        num_heads: the number of heads, h.
        d_k: the width of a head's queries and keys.
        d_v: the width of a head's values.
        d_model: the width of the output.
        dropout: the dropout rate of the attention weights.
        initializer_range: the standard deviation of the projections' initial weights.
        rotary: whether to apply rotary position embeddings to queries and keys, see
            `models.layers.positions.rotate`.

    References:
        Vaswani et al. 2017, section 3.2 (https://arxiv.org/abs/1706.03762).
    """

    def __init__(
        self,
        *,
        num_heads: int,
        d_k: int,
        d_v: int,
        d_model: int,
        dropout: float = 0.0,
        initializer_range: float = 0.02,
        rotary: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # `mask` is also the name of the masks that Keras propagates by itself.
        self.supports_masking = True
        self.num_heads = num_heads
        self.d_k = d_k
        self.d_v = d_v
        self.d_model = d_model
        self.initializer_range = initializer_range
        self.rotary = rotary
        self.query = self._projection(num_heads * d_k, "query")
        self.key = self._projection(num_heads * d_k, "key")
        self.value = self._projection(num_heads * d_v, "value")
        self.output_projection = self._projection(d_model, "output")
        # Keras' layer: ours requires a static last axis, which here is the number of keys.
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(
        self,
        query_shape: tuple,
        key_shape: tuple | None = None,
        value_shape: tuple | None = None,
    ) -> None:
        """Creates the four projections."""
        key_shape = key_shape or query_shape
        self.query.build(query_shape)
        self.key.build(key_shape)
        self.value.build(value_shape or key_shape)
        self.output_projection.build((None, None, self.num_heads * self.d_v))

    def call(
        self,
        query: Any,
        key: Any = None,
        value: Any = None,
        mask: Any = None,
        positions: Any = None,
        visibility: str = "both",
        training: bool | None = None,
    ) -> Any:
        """Attends from each position of `query` to the positions of `key`.

        Args:
            query: (batch, T, width).
            key: (batch, S, width); None for `query`.
            value: (batch, S, width); None for `key`.
            mask: bool, True where a query may attend to a key: (batch, S), or (batch, T, S) for a
                separate mask per query. A query that may attend to no key gets the mean of all
                values.
            positions: (batch, P) int32, the only positions of `query` to compute; None for all.
                With it, T is P in the output and in the mask. With `key`, nothing is left out: they
                are the positions of the vectors of `query` among the keys.
            visibility: "both"; or, in self-attention with a mask (batch, S), "left" (causal) or
                "right": a position attends to itself and to those on that side of it.
            training: whether dropout is active.

        Returns:
            (batch, T, d_model).
        """
        dropout = None
        if training and self.dropout.rate > 0:
            dropout = functools.partial(self.dropout, training=True)
        heads = self.heads(query, key, value, mask, positions, visibility, dropout)
        batch, length = ops.shape(heads)[:2]
        return self.output_projection(
            ops.reshape(heads, (batch, length, self.num_heads * self.d_v))
        )

    def keys_and_values(self, memory: Any, positions: Any = None) -> tuple[Any, Any]:
        """Projects what is attended to, so that it can be kept: see `attend`.

        Args:
            memory: (batch, S, width).
            positions: (batch, S) int32, those of the vectors; None for 0, 1, 2, ...

        Returns:
            (batch, S, num_heads, d_k) and (batch, S, num_heads, d_v).
        """
        keys = self._split_heads(self.key(memory), self.d_k)
        values = self._split_heads(self.value(memory), self.d_v)
        return rotate(keys, positions) if self.rotary else keys, values

    def attend(
        self, query: Any, keys: Any, values: Any, mask: Any = None, positions: Any = None
    ) -> Any:
        """What `call` computes in inference mode, from keys and values that were kept.

        Args:
            query: (batch, T, width).
            keys, values: as `keys_and_values` gives them.
            mask: (batch, S) bool, True where a query may attend to a key; None: to all.
            positions: (batch, T) int32, those of the queries; None for 0, 1, 2, ...

        Returns:
            (batch, T, d_model).
        """
        q = self._split_heads(self.query(query), self.d_k)
        q = rotate(q, positions) if self.rotary else q
        if mask is not None:
            mask = ops.expand_dims(mask, (1, 2))
        heads = dot_product_attention(q, keys, values, mask)
        batch, length = ops.shape(heads)[:2]
        return self.output_projection(
            ops.reshape(heads, (batch, length, self.num_heads * self.d_v))
        )

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
        """Computes the heads before the output projection.

        Args:
            query, key, value, mask, positions, visibility: as in `call`.
            dropout: as in `dot_product_attention`.

        Returns:
            (batch, T, num_heads, d_v).
        """
        if key is None:
            key, query = query, gather_positions(query, positions)
        value = key if value is None else value
        if visibility != "both":
            mask = one_sided_mask(mask, visibility, positions)
        if mask is not None:
            mask = ops.expand_dims(mask, (1, 2) if len(mask.shape) == 2 else 1)
        q, k, v = self._projected(query, key, value, positions)
        return dot_product_attention(q, k, v, mask, dropout)

    def _projected(self, query: Any, key: Any, value: Any, positions: Any) -> tuple[Any, Any, Any]:
        """The heads' queries, keys and values, (batch, T or S, num_heads, d_k or d_v)."""
        q = self._split_heads(self.query(query), self.d_k)
        k = self._split_heads(self.key(key), self.d_k)
        v = self._split_heads(self.value(value), self.d_v)
        if self.rotary:
            q, k = rotate(q, positions), rotate(k)
        return q, k, v

    def _split_heads(self, x: Any, width: int) -> Any:
        batch, length = ops.shape(x)[:2]
        return ops.reshape(x, (batch, length, self.num_heads, width))

    def _projection(self, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            dtype=self.dtype_policy,
            name=name,
        )

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Attaches no mask to the output: masks are passed explicitly."""


def one_sided_mask(padding_mask: Any, visibility: str, positions: Any = None) -> Any:
    """The mask with which a position sees itself and the tokens on one side of it.

    Args:
        padding_mask: (batch, length) bool, True at tokens.
        visibility: "left", which is the causal mask, or "right".
        positions: (batch, count) int32, the positions that attend; None for all of them.

    Returns:
        (batch, count, length) bool, where count is length if `positions` is None.
    """
    keys = ops.arange(ops.shape(padding_mask)[1], dtype="int32")
    queries = keys[None] if positions is None else ops.cast(positions, "int32")
    queries = queries[:, :, None]
    seen = keys <= queries if visibility == "left" else keys >= queries
    return seen & padding_mask[:, None, :]


def prefix_mask(padding_mask: Any, prefix: Any) -> Any:
    """The mask with which a position sees itself, the tokens before it, and the whole prefix.

    Args:
        padding_mask: (batch, length) bool, True at tokens.
        prefix: (batch, length) bool, True in the prefix.

    Returns:
        (batch, length, length) bool.
    """
    return one_sided_mask(padding_mask, "left") | (prefix & padding_mask)[:, None, :]
