"""The position-wise feed-forward network."""

from typing import Any

import keras

from models.backbones.transformer_config import TransformerConfig
from models.kernels.activations import activate
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class FeedForward(Serializable, keras.layers.Layer):
    """Computes `activation(x W_1 + b_1) W_2 + b_2` at each position.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> FeedForward(config)(np.ones((1, 3, 64), "float32")).shape
        TensorShape([1, 3, 64])

    Args:
        config: the Transformer's configuration.

    References:
        Vaswani et al. 2017, section 3.3 (https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, config: TransformerConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.inner = self._dense(config.d_ff, "inner")
        self.outer = self._dense(config.d_model, "outer")

    def build(self, input_shape: tuple) -> None:
        """Creates both dense layers."""
        self.inner.build(input_shape)
        self.outer.build((None, None, self.config.d_ff))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies the network: (batch, length, width) to (batch, length, d_model)."""
        return self.outer(activate(self.config.activation_name, self.inner(inputs), training))

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        deviation = self.config.initializer_range
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=deviation),
            dtype=self.dtype_policy,
            name=name,
        )
