"""A TextCNN with one output per position."""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
from keras import ops

from models.backbones.combined import CombinedBackbone
from models.backbones.text_cnn_config import TextCNNConfig
from models.config import BackboneConfig
from models.kernels.activations import activate
from models.kernels.gather import gather_positions
from models.kernels.layer_norm import LayerNormalization
from models.serializable import Serializable

CONVOLUTIONS = 2


@keras.saving.register_keras_serializable(package="models")
class ConvolutionStack(Serializable, keras.layers.Layer):
    """Two blocks of convolution, layer normalization and activation, with filters of one size.

    Args:
        config: the architecture.
        filter_size: the width of the filters, in tokens.
    """

    def __init__(self, config: TextCNNConfig, filter_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.filter_size = filter_size
        self.convolutions = [
            keras.layers.Conv1D(
                config.num_filters,
                filter_size,
                padding="same",
                kernel_initializer=keras.initializers.TruncatedNormal(
                    stddev=config.initializer_range
                ),
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index in range(CONVOLUTIONS)
        ]
        self.layer_norms = [
            LayerNormalization(
                epsilon=config.layer_norm_epsilon,
                dtype=self.dtype_policy,
                name=f"layer_norm_{index}",
            )
            for index in range(CONVOLUTIONS)
        ]
        self.adapters: list[keras.layers.Layer] = []

    def build(self, input_shape: tuple) -> None:
        """Creates the weights of both blocks."""
        shape = tuple(input_shape)
        for convolution, layer_norm in zip(self.convolutions, self.layer_norms, strict=True):
            convolution.build(shape)
            shape = (*shape[:-1], self.config.num_filters)
            layer_norm.build(shape)
        for adapter in self.adapters:
            adapter.build(shape)

    def call(
        self, inputs: Any, keep: Any, training: bool | None = None, visibility: str = "both"
    ) -> list[Any]:
        """Applies both blocks.

        Args:
            inputs: (batch, length, width).
            keep: (batch, length, 1), 1 at tokens and 0 at padding.
            training: whether the model is being trained.
            visibility: "both": a filter is centred on its position; "left": it ends there; "right":
                it begins there.

        Returns:
            The output of each block, (batch, length, num_filters); values at padded positions are
            arbitrary.
        """
        x, outputs = inputs, []
        blocks = zip(self.convolutions, self.layer_norms, strict=True)
        for index, (convolution, layer_norm) in enumerate(blocks):
            # A filter that reaches into the padding must see zeros, just as it does beyond the
            # end of a batch without padding.
            x = x * keep
            if visibility == "both":
                x = convolution(x)
            else:
                x = self._convolve_one_side(convolution, x, visibility)
            x = activate(self.config.activation_name, layer_norm(x), training)
            if self.adapters:
                x = self.adapters[index](x, training=training)
            outputs.append(x)
        return outputs

    def _convolve_one_side(self, convolution: keras.layers.Conv1D, x: Any, visibility: str) -> Any:
        """A filter ends ("left", causal) or begins ("right") at the position of its output."""
        others = self.filter_size - 1
        x = ops.pad(x, ((0, 0), (others, 0) if visibility == "left" else (0, others), (0, 0)))
        kernel, bias = (ops.cast(one, x.dtype) for one in (convolution.kernel, convolution.bias))
        return ops.conv(x, kernel, padding="valid", data_format="channels_last") + bias


@keras.saving.register_keras_serializable(package="models")
class TextCNN(CombinedBackbone):
    """Parallel convolutions of several filter sizes, concatenated at each position.

    Kim's TextCNN pools each filter over the whole text immediately. Here each position keeps its
    own filter outputs, so that a masked token can be predicted there; pooling comes last.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> build(TextCNN(config))(inputs)["pooled_output"].shape
        TensorShape([1, 64])

    Args:
        config: the architecture.

    References:
        Kim 2014 (https://arxiv.org/abs/1408.5882).
    """

    config: TextCNNConfig
    config_class: ClassVar[type[BackboneConfig]] = TextCNNConfig
    visibilities: ClassVar[tuple[str, ...]] = ("both", "left", "right")

    def __init__(self, config: TextCNNConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.stacks = [
            ConvolutionStack(
                config, filter_size, dtype=self.dtype_policy, name=f"filter_size_{filter_size}"
            )
            for filter_size in config.filter_sizes
        ]
        self.create_combination()

    def build_encoder(self, shape: tuple) -> None:
        """Creates the filters, the layer that combines them and the final normalization."""
        for stack in self.stacks:
            stack.build(shape)
        self.build_combination(shape, len(self.stacks) * self.config.num_filters)

    def encode(
        self,
        embedded: Any,
        padding_mask: Any,
        *,
        training: bool | None = None,
        visibility: str = "both",
        positions: Any = None,
        layers: bool = False,
    ) -> list[Any]:
        """See `Backbone.encode`; the output of a layer concatenates those of all filter sizes."""
        keep = ops.expand_dims(ops.cast(padding_mask, embedded.dtype), -1)
        stacks = [
            stack(embedded, keep, training=training, visibility=visibility) for stack in self.stacks
        ]
        levels = list(zip(*stacks, strict=True))
        outputs = [ops.concatenate(level, axis=-1) for level in (levels if layers else levels[-1:])]
        sequence = gather_positions(self.combine(embedded, outputs[-1], training), positions)
        return [*outputs, sequence] if layers else [sequence]

    def levels(self) -> list[list[keras.layers.Layer]]:
        """See `Backbone.levels`; each convolution, with all its filter sizes, is one."""
        convolutions: list[list[keras.layers.Layer]] = [
            [
                layer
                for stack in self.stacks
                for layers in (stack.convolutions, stack.layer_norms, stack.adapters)
                for layer in layers[index : index + 1]
            ]
            for index in range(CONVOLUTIONS)
        ]
        return [[self.embeddings], *convolutions[:-1], [*convolutions[-1], *self.top]]

    def add_adapters(
        self, make: Callable[[int, str], keras.layers.Layer], *, everywhere: bool
    ) -> None:
        """See `Backbone.add_adapters`; the sub-layers are the convolutions of each filter size."""
        super().add_adapters(make, everywhere=everywhere)
        if everywhere:
            for stack in self.stacks:
                names = [f"adapter_{index}" for index in range(CONVOLUTIONS)]
                stack.adapters = [make(self.config.num_filters, name) for name in names]
