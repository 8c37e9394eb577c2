"""A residual connection with layer normalization around a sub-layer."""

from typing import Any

import keras

from models.backbones.transformer_config import TransformerConfig
from models.kernels.dropout import Dropout
from models.kernels.gather import gather_positions
from models.kernels.layer_norm import LayerNormalization
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class ResidualBlock(Serializable, keras.layers.Layer):
    """Computes `x + dropout(f(norm(x)))` ("pre") or `norm(x + dropout(f(x)))` ("post").

    With "pre" the residual path is the identity from the first layer to the last, so that deep
    models train without a long warm-up; the backbone normalizes once more after the last layer.

        >>> from models.layers.feed_forward import FeedForward
        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> ResidualBlock(FeedForward(config), config)(np.ones((1, 3, 64), "float32")).shape
        TensorShape([1, 3, 64])

    Args:
        sublayer: f, whose output has the width of its input.
        config: the Transformer's configuration.

    Attributes:
        adapter: applied before the sum, after dropout; None unless `--tuning=adapter` sets it.

    References:
        post: Vaswani et al. 2017, section 3.1 (https://arxiv.org/abs/1706.03762);
        pre: Xiong et al. 2020 (https://arxiv.org/abs/2002.04745).
    """

    def __init__(
        self, sublayer: keras.layers.Layer, config: TransformerConfig, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        # The sub-layer's argument `mask` is also the name of the masks that Keras propagates.
        self.supports_masking = True
        self.sublayer = sublayer
        self.config = config
        self.layer_norm = LayerNormalization(
            epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.adapter: keras.layers.Layer | None = None

    def build(self, input_shape: tuple) -> None:
        """Creates the weights of the sub-layer and of the normalization."""
        self.sublayer.build(input_shape)
        self.layer_norm.build(input_shape)
        if self.adapter is not None:
            self.adapter.build(input_shape)

    def call(
        self,
        inputs: Any,
        training: bool | None = None,
        positions: Any = None,
        visibility: str = "both",
        memory: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Applies the block.

        Args:
            inputs: (batch, length, width).
            training: whether dropout is active.
            positions: (batch, count) int32, the only positions to compute; the sub-layer must take
                this argument. None for all.
            visibility: as in `MultiHeadAttention`; other sub-layers do not get it.
            memory: (batch, S, width), the keys of an attention that does not attend to its own
                input; normalized as the input is. The inputs are then those at `positions`.
            kwargs: further arguments of the sub-layer, all of them arrays.

        Returns:
            (batch, length, width), or (batch, count, width) with `positions`.
        """
        pre = self.config.normalization == "pre"
        x = self.layer_norm(inputs) if pre else inputs
        if memory is not None:
            kwargs["key"] = self.layer_norm(memory) if pre else memory
        else:
            inputs = gather_positions(inputs, positions)
        if positions is not None:
            kwargs["positions"] = positions
        if visibility == "both":
            x = self.sublayer(x, training=training, **kwargs)
        else:  # Keras does not allow it among `kwargs`, which are arrays.
            x = self.sublayer(x, training=training, visibility=visibility, **kwargs)
        x = self.dropout(x, training=training)
        if self.adapter is not None:
            x = self.adapter(x, training=training)
        x = inputs + x
        return x if pre else self.layer_norm(x)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Attaches no mask to the output: masks are passed explicitly."""
