"""The TextCNN, with an output at each position."""

from typing import Any, ClassVar

import keras
from keras import ops

from models.activations import activate
from models.backbone import Backbone
from models.config import BackboneConfig
from models.dropout import Dropout
from models.layer_norm import LayerNormalization

CONVOLUTIONS = 2


@keras.saving.register_keras_serializable(package="models")
class ConvolutionStack(keras.layers.Layer):
    """Twice convolution, layer normalization and activation, with filters of one size.

    Args:
        filter_size: width of the filters, in tokens.
        num_filters: number of filters.
        activation: a key of `models.activations.ACTIVATION_FUNCTIONS`.
        epsilon: added to the variance in layer normalization.
        initializer_range: standard deviation of the first weights.
    """

    def __init__(
        self,
        filter_size: int,
        num_filters: int,
        activation: str = "gelu",
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filter_size = filter_size
        self.num_filters = num_filters
        self.activation = activation
        self.epsilon = epsilon
        self.initializer_range = initializer_range
        self.convolutions = [
            keras.layers.Conv1D(
                num_filters,
                filter_size,
                padding="same",
                kernel_initializer=keras.initializers.TruncatedNormal(stddev=initializer_range),
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index in range(CONVOLUTIONS)
        ]
        self.layer_norms = [
            LayerNormalization(epsilon=epsilon, dtype=self.dtype_policy, name=f"layer_norm_{index}")
            for index in range(CONVOLUTIONS)
        ]

    def build(self, input_shape: tuple) -> None:
        """Makes the filters."""
        shape = tuple(input_shape)
        for convolution, layer_norm in zip(self.convolutions, self.layer_norms, strict=True):
            convolution.build(shape)
            shape = (*shape[:-1], self.num_filters)
            layer_norm.build(shape)

    def call(self, inputs: Any, keep: Any, training: bool | None = None) -> Any:
        """Convolves.

        Args:
            inputs: (batch, length, width).
            keep: (batch, length, 1), 1 at tokens and 0 at padding.

        Returns:
            (batch, length, num_filters); what is at padded positions means nothing.
        """
        x = inputs
        for convolution, layer_norm in zip(self.convolutions, self.layer_norms, strict=True):
            # A filter that reaches into the padding must find there what is beyond the end of
            # a shorter batch: zeros.
            x = layer_norm(convolution(x * keep))
            x = activate(self.activation, x, training)
        return x

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filter_size": self.filter_size,
            "num_filters": self.num_filters,
            "activation": self.activation,
            "epsilon": self.epsilon,
            "initializer_range": self.initializer_range,
        }


@keras.saving.register_keras_serializable(package="models")
class TextCNN(Backbone):
    """Convolutions of several filter sizes side by side, joined at each position.

    Kim's TextCNN pools each filter over the whole text at once. Here the filters' outputs stay
    where they are, so that a masked word can be predicted at its place; pooling comes last.

    References:
        Kim 2014 (https://arxiv.org/abs/1408.5882).
    """

    defaults: ClassVar[dict[str, str]] = {"position": "none", "pooling": "max"}
    learning_rates: ClassVar[dict[str, float]] = {"pretraining": 2e-3, "fine_tuning": 3e-3}
    unused: ClassVar[tuple[str, ...]] = (
        "num_layer",
        "d_ff",
        "normalization",
        "attention_dropout",
    )

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.stacks = [
            ConvolutionStack(
                filter_size,
                config.num_filters,
                config.activation_name,
                config.layer_norm_epsilon,
                config.initializer_range,
                dtype=self.dtype_policy,
                name=f"filter_size_{filter_size}",
            )
            for filter_size in config.filter_sizes
        ]
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

    def build_encoder(self, shape: tuple) -> None:
        """Makes the filters and what joins them."""
        for stack in self.stacks:
            stack.build(shape)
        self.combination.build((None, None, len(self.stacks) * self.config.num_filters))
        self.final_norm.build(shape)

    def encode(self, embedded: Any, padding_mask: Any, training: bool | None) -> Any:
        """(batch, length, d_model) and (batch, length) bool to (batch, length, d_model)."""
        keep = ops.expand_dims(ops.cast(padding_mask, embedded.dtype), -1)
        features = ops.concatenate(
            [stack(embedded, keep, training=training) for stack in self.stacks], axis=-1
        )
        combined = self.dropout(self.combination(features), training=training)
        return self.final_norm(embedded + combined)
