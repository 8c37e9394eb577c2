"""What the backbones have in common whose readings of a position are combined by a dense layer."""

from collections.abc import Callable
from typing import Any

import keras

from models.backbones.base import Backbone
from models.kernels.dropout import Dropout
from models.kernels.layer_norm import LayerNormalization


class CombinedBackbone(Backbone):
    """Computes `norm(x + dropout(h W + c))` of the embeddings x and what its layers found, h.

    A subclass calls `create_combination` when its own layers are there, `build_combination` in
    `build_encoder`, and ends `encode` with `combine`.
    """

    def create_combination(self) -> None:
        """Creates the dense layer, the dropout and the final normalization."""
        config = self.config
        self.combination = keras.layers.Dense(
            config.d_model,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype=self.dtype_policy,
            name="combination",
        )
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.final_norm = LayerNormalization(
            epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="final_norm"
        )
        self.adapter: keras.layers.Layer | None = None

    def build_combination(self, shape: tuple, width: int) -> None:
        """Creates their weights.

        Args:
            shape: of the embedded batch, (None, None, d_model).
            width: of h.
        """
        self.combination.build((None, None, width))
        self.final_norm.build(shape)
        if self.adapter is not None:
            self.adapter.build(shape)

    def combine(self, embedded: Any, found: Any, training: bool | None) -> Any:
        """The sequence output at some positions.

        Args:
            embedded: x, (batch, count, d_model).
            found: h, (batch, count, width).
            training: whether dropout is active.

        Returns:
            (batch, count, d_model).
        """
        x = self.dropout(self.combination(found), training=training)
        if self.adapter is not None:
            x = self.adapter(x, training=training)
        return self.final_norm(embedded + x)

    @property
    def top(self) -> list[keras.layers.Layer]:
        """The layers after the highest of the backbone's own."""
        adapter = [] if self.adapter is None else [self.adapter]
        return [self.combination, self.dropout, *adapter, self.final_norm, self.pooling]

    def add_adapters(
        self, make: Callable[[int, str], keras.layers.Layer], *, everywhere: bool
    ) -> None:
        """See `Backbone.add_adapters`: one after the dense layer, before the sum.

        A subclass adds those after its own layers.
        """
        self.adapter = make(self.config.d_model, "adapter")
