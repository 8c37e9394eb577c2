"""A bidirectional LSTM whose two directions do not see each other's states."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.backbones.combined import CombinedBackbone
from models.backbones.lstm_config import LSTMConfig
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.kernels.gather import gather_positions
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class LSTMStack(Serializable, keras.layers.Layer):
    """LSTM layers from left to right, with a residual connection around each but the first.

    `h_1 = LSTM_1(x)` and `h_i = h_(i-1) + LSTM_i(h_(i-1))`. The layers are those of Keras: they use
    cuDNN where it is there, and on a CPU most of their time is in matrix products.

        >>> config = backbone_config("lstm", "tiny", vocab_size=100)
        >>> LSTMStack(config)(np.ones((1, 3, 64), "float32"))[-1].shape
        TensorShape([1, 3, 64])

    Args:
        config: the architecture.

    References:
        Hochreiter & Schmidhuber 1997 (https://doi.org/10.1162/neco.1997.9.8.1735);
        residual connections: Peters et al. 2018, section 3.4 (https://arxiv.org/abs/1802.05365).
    """

    def __init__(self, config: LSTMConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.lstm_layers = [
            keras.layers.LSTM(
                config.num_units,
                return_sequences=True,
                dtype=self.dtype_policy,
                name=f"layer_{index}",
            )
            for index in range(config.num_layers)
        ]
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.adapters: list[keras.layers.Layer] = []

    def build(self, input_shape: tuple) -> None:
        """Creates the weights of all layers."""
        shape = tuple(input_shape)
        for layer in self.lstm_layers:
            layer.build(shape)
            shape = (*shape[:-1], self.config.num_units)
        for adapter in self.adapters:
            adapter.build(shape)

    def call(self, inputs: Any, training: bool | None = None) -> list[Any]:
        """Applies all layers.

        Args:
            inputs: (batch, length, width).
            training: whether dropout between the layers is active.

        Returns:
            The output of each layer, (batch, length, num_units).
        """
        outputs = [self._layer(0, inputs, training)]
        for index, layer in enumerate(self.lstm_layers[1:], start=1):
            x = outputs[-1]
            # A layer that is frozen reads all of its input.
            drops = training and bool(layer.trainable_weights)
            outputs.append(x + self._layer(index, self.dropout(x, training=drops), training))
        return outputs

    def _layer(self, index: int, inputs: Any, training: bool | None) -> Any:
        """Applies one layer, and its adapter if there is one."""
        x = self.lstm_layers[index](inputs)
        return self.adapters[index](x, training=training) if self.adapters else x


@keras.saving.register_keras_serializable(package="models")
class LSTM(CombinedBackbone):
    """A stack of LSTM layers for each direction, combined at each position.

    The output is `norm(x + dropout([f; b] W + c))` of the embeddings x, the state f after reading
    from the left up to the position and the state b after reading from the right down to it. No
    layer mixes the directions, so a visibility is a choice of stacks: "both" uses both, "left" sets
    b to 0, "right" sets f to 0, and none can leak what it must not see. Without `bidirectional`
    there is only f; "both" is then the same as "left".

        >>> config = backbone_config("lstm", "tiny", vocab_size=100)
        >>> build(LSTM(config))(inputs)["pooled_output"].shape
        TensorShape([1, 64])

    Args:
        config: the architecture.

    References:
        Graves & Schmidhuber 2005 (https://doi.org/10.1016/j.neunet.2005.06.042);
        separate directions: Peters et al. 2018 (https://arxiv.org/abs/1802.05365).
    """

    config: LSTMConfig
    config_class: ClassVar[type[BackboneConfig]] = LSTMConfig
    visibilities: ClassVar[tuple[str, ...]] = ("both", "left", "right")
    is_recurrent: ClassVar[bool] = True

    def __init__(self, config: LSTMConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.forward_stack = LSTMStack(config, dtype=self.dtype_policy, name="forward")
        self.backward_stack = None
        if config.bidirectional:
            self.backward_stack = LSTMStack(config, dtype=self.dtype_policy, name="backward")
        self.create_combination()

    @classmethod
    def visibilities_of(cls, config: BackboneConfig) -> tuple[str, ...]:
        """See `Backbone.visibilities_of`; nothing reads from the right without `bidirectional`."""
        return cls.visibilities if _is_bidirectional(config) else ("both", "left")

    @classmethod
    def check_visibilities(cls, config: BackboneConfig, needed: AbstractSet[str]) -> None:
        """See `Backbone.check_visibilities`; "left" alone would train one of two directions."""
        if "right" in needed and not _is_bidirectional(config):
            raise ConfigError(
                "the backbone lstm reads from the left alone with --bidirectional=false: leave "
                "this option out."
            )
        super().check_visibilities(config, needed)
        if needed in ({"left"}, {"right"}) and _is_bidirectional(config):
            raise ConfigError(
                f"these objectives read from the {', '.join(needed)} alone, and half of a "
                "bidirectional lstm would learn nothing: use --bidirectional=false."
            )

    @property
    def stacks(self) -> list[LSTMStack]:
        """The stack of each direction."""
        return [each for each in (self.forward_stack, self.backward_stack) if each is not None]

    def build_encoder(self, shape: tuple) -> None:
        """Creates the layers, the layer that combines them and the final normalization."""
        for stack in self.stacks:
            stack.build(shape)
        self.build_combination(shape, len(self.stacks) * self.config.num_units)

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
        """See `Backbone.encode`; the output of a layer concatenates those of both directions."""
        outputs: list[Any] = []
        if visibility != "right":
            found = self.forward_stack(embedded, training=training)
            outputs = [
                gather_positions(each, positions) for each in (found if layers else found[-1:])
            ]
        if self.backward_stack is not None:
            backward = []
            if visibility != "left":
                order = _reading_order(padding_mask)
                found = self.backward_stack(gather_positions(embedded, order), training=training)
                at = order if positions is None else ops.take_along_axis(order, positions, axis=1)
                backward = [
                    gather_positions(each, at) for each in (found if layers else found[-1:])
                ]
            pairs = zip(
                outputs or [ops.zeros_like(each) for each in backward],
                backward or [ops.zeros_like(each) for each in outputs],
                strict=True,
            )
            outputs = [ops.concatenate(pair, axis=-1) for pair in pairs]
        sequence = self.combine(gather_positions(embedded, positions), outputs[-1], training)
        return [*outputs, sequence] if layers else [sequence]

    def levels(self) -> list[list[keras.layers.Layer]]:
        """See `Backbone.levels`; each layer, of both directions, is one."""
        own: list[list[keras.layers.Layer]] = [
            [
                layer
                for stack in self.stacks
                for layers in (stack.lstm_layers, stack.adapters)
                for layer in layers[index : index + 1]
            ]
            for index in range(self.config.num_layers)
        ]
        return [[self.embeddings], *own[:-1], [*own[-1], *self.top]]

    def add_adapters(
        self, make: Callable[[int, str], keras.layers.Layer], *, everywhere: bool
    ) -> None:
        """See `Backbone.add_adapters`; the sub-layers are the layers of each direction."""
        super().add_adapters(make, everywhere=everywhere)
        if everywhere:
            for stack in self.stacks:
                names = [f"adapter_{index}" for index in range(self.config.num_layers)]
                stack.adapters = [make(self.config.num_units, name) for name in names]

    def low_rank_layers(self) -> list[keras.layers.Layer]:
        """The cells of all layers, and the dense layer that combines the directions."""
        cells = [layer.cell for stack in self.stacks for layer in stack.lstm_layers]
        return [*cells, self.combination]


def _is_bidirectional(config: BackboneConfig) -> bool:
    return isinstance(config, LSTMConfig) and config.bidirectional


def _reading_order(padding_mask: Any) -> Any:
    """The positions from the last token to the first, then the padding; its own inverse.

    So the reader from the right begins at the last token, as it would without padding.

    Args:
        padding_mask: (batch, length) bool, True at tokens, which come before the padding.

    Returns:
        (batch, length) int32.
    """
    places = ops.arange(ops.shape(padding_mask)[1], dtype="int32")[None]
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    return ops.where(places < lengths, lengths - 1 - places, places)
