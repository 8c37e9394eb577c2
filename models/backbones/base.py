"""The contract of every backbone: embeddings, an encoder of its own, and pooling."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.config import BackboneConfig
from models.kernels.gather import gather_positions
from models.layers.embeddings import Embeddings
from models.layers.token_embedding import TokenEmbedding
from models.registry import BACKBONES, POOLINGS
from models.serializable import Serializable


def make_backbone(config: BackboneConfig) -> "Backbone":
    """Returns the backbone that `config` describes; its weights are not built yet."""
    return BACKBONES[config.backbone](config)


class Backbone(Serializable, keras.layers.Layer):
    """Turns token ids into one vector per position and one vector per sequence.

    A backbone is a subclass that implements `encode`, the layers between the embeddings and the
    pooling, and is registered in `models.registry.BACKBONES`.

        >>> backbone = build(make_backbone(backbone_config("text_cnn", "tiny", vocab_size=100)))
        >>> ids = np.array([[1, 7, 2]])
        >>> inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids > 0}
        >>> backbone(inputs)["sequence_output"].shape
        TensorShape([1, 3, 64])

    Args:
        config: the architecture, an instance of `config_class`.

    Attributes:
        config_class: the dataclass of the backbone's sizes.
        visibilities: which positions a position can be made to see: "both" (all of them), "left"
            (itself and those before it), "right" (itself and those after it), "prefix" (itself,
            those before it, and all of segment 0).
        is_recurrent: whether it computes one position after another, in a loop.
        has_query_stream: whether it has the method `query_stream`.
    """

    config_class: ClassVar[type[BackboneConfig]]
    visibilities: ClassVar[tuple[str, ...]] = ("both",)
    is_recurrent: ClassVar[bool] = False
    has_query_stream: ClassVar[bool] = False

    def __init__(self, config: BackboneConfig, name: str = "backbone", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.config = config
        self.embeddings = Embeddings(config, dtype=self.dtype_policy, name="embeddings")
        self.pooling = POOLINGS[config.pooling](config)
        self.output_adapter: keras.layers.Layer | None = None

    @classmethod
    def visibilities_of(cls, config: BackboneConfig) -> tuple[str, ...]:
        """Those of `visibilities` that a backbone with this configuration has; all of them."""
        return cls.visibilities

    @classmethod
    def check_visibilities(cls, config: BackboneConfig, needed: AbstractSet[str]) -> None:
        """Checks that the whole backbone can be trained by passes with these visibilities.

        Args:
            config: the architecture.
            needed: the visibilities of all passes of a pre-training step.

        Raises:
            ConfigError: one of them is not supported, or a part of the backbone has no part in any.
        """
        for visibility in sorted(needed):
            if visibility not in cls.visibilities_of(config):
                raise cls._unsupported(config, visibility)

    @classmethod
    def _unsupported(cls, config: BackboneConfig, visibility: str) -> ConfigError:
        supported = ", ".join(cls.visibilities_of(config))
        return ConfigError(
            f"the backbone {config.backbone} supports the visibilities {supported}, not "
            f"{visibility!r}."
        )

    @property
    def token_embedding(self) -> TokenEmbedding:
        """The token embedding, which language-model heads share."""
        return self.embeddings.token_embedding

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights; all sizes are known from the configuration."""
        shape = (None, None, self.config.d_model)
        self.embeddings.build(shape)
        self.build_encoder(shape)
        self.pooling.build(shape)
        if self.output_adapter is not None:
            self.output_adapter.build(shape)

    def call(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        visibility: str = "both",
        positions: Any = None,
        layers: bool = False,
    ) -> dict[str, Any]:
        """Encodes a batch.

        Args:
            inputs: "token_ids" and "segment_ids" (batch, length) int32; "padding_mask" (batch,
                length) bool, True at tokens and False at padding, or of an integer type, 1 and 0.
                Other keys are ignored. A padded position never affects another position.
            training: whether dropout is active.
            visibility: which positions each position sees, one of `visibilities`.
            positions: (batch, count) int32, the only positions at which the sequence output is
                needed; None for all of them. Other positions are skipped where possible.
            layers: whether to return the output of each layer too; requires `positions` to be None.

        Returns:
            A dict of floating-point arrays: "embedding_output" (batch, length, d_model), the input
            of the encoder; "sequence_output", its output, (batch, length, d_model) or (batch,
            count, d_model) with `positions`; "pooled_output" (batch, d_model), pooled from the
            sequence output; and with `layers` "layer_outputs", a list of arrays (batch, length,
            width), the last of which is the sequence output.

        Raises:
            ConfigError: this backbone does not support the visibility.
            ValueError: both `layers` and `positions` were given.
        """
        if visibility not in self.visibilities_of(self.config):
            raise self._unsupported(self.config, visibility)
        if layers and positions is not None:
            raise ValueError("layers=True requires positions=None")
        # Under a distribution strategy the mask arrives as 0 and 1: to infer shapes, Keras averages
        # a batch over the replicas, which fails for bool.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        embedded = self.embeddings(inputs["token_ids"], inputs["segment_ids"], training=training)

        further: dict[str, Any] = {}
        if visibility == "prefix":
            further["prefix"] = ops.equal(inputs["segment_ids"], 0)

        def encode(at: Any = None) -> list[Any]:
            outputs = self.encode(
                embedded,
                padding_mask,
                training=training,
                visibility=visibility,
                positions=at,
                layers=layers,
                **further,
            )
            if self.output_adapter is None:
                return outputs
            return [*outputs[:-1], self.output_adapter(outputs[-1], training=training)]

        found = {"embedding_output": embedded}
        if positions is not None and getattr(self.pooling, "reads_first_alone", False):
            with_first = ops.pad(positions, ((0, 0), (1, 0)))  # position 0, then the given ones
            (sequence,) = encode(with_first)
            found["sequence_output"] = sequence[:, 1:]
            found["pooled_output"] = self.pooling(sequence, padding_mask)
            return found
        outputs = encode()
        sequence = outputs[-1]
        found["sequence_output"] = sequence
        found["pooled_output"] = self.pooling(sequence, padding_mask)
        if positions is not None:
            found["sequence_output"] = gather_positions(sequence, positions)
        return {**found, "layer_outputs": outputs} if layers else found

    def build_encoder(self, shape: tuple) -> None:
        """Creates the weights that `encode` uses.

        Args:
            shape: of the embedded batch, (None, None, d_model).
        """
        raise NotImplementedError

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
        """Computes the layers between the embeddings and the pooling.

        A backbone that always computes all positions ends with `gather_positions`, which does
        nothing if `positions` is None. One that has the visibility "prefix" takes a further
        argument for it, `prefix` (batch, length) bool: True where all positions see the token.

        Args:
            embedded: (batch, length, d_model).
            padding_mask: (batch, length) bool, True at tokens.
            training: whether dropout is active.
            visibility: one of `visibilities`.
            positions: (batch, count) int32, the only positions to return; None for all of them.
            layers: whether to return the output of each layer, at all positions.

        Returns:
            A list that ends with the sequence output, (batch, length, d_model) or (batch, count,
            d_model) with `positions`; with `layers`, it begins with the outputs of the layers
            below, (batch, length, width), which may differ in width.
        """
        raise NotImplementedError

    # For tunings, see `models.tuning`; a backbone that says nothing here has them all.

    def levels(self) -> list[list[keras.layers.Layer]]:
        """Its layers, grouped from the embeddings to the top.

        They are trained one after another, or at different rates. A layer may be in several
        levels, like those that all layers of an ALBERT share: it counts in the highest.

        Returns:
            The embeddings first; by default, all the rest then.
        """
        inner = self._flatten_layers(include_self=False, recursive=False)
        return [[self.embeddings], [each for each in inner if each is not self.embeddings]]

    def add_adapters(
        self, make: Callable[[int, str], keras.layers.Layer], *, everywhere: bool
    ) -> None:
        """Adds adapters, before the backbone is built.

        Args:
            make: returns an adapter for vectors of a width, with a name.
            everywhere: whether there is one after each sub-layer that computes something of its
                own; otherwise only after the last one of a layer. By default there is only one,
                after the last layer.
        """
        self.output_adapter = make(self.config.d_model, "output_adapter")

    def low_rank_layers(self) -> list[keras.layers.Layer]:
        """The layers, each once, whose matrices get low-rank updates.

        Returns:
            By default, all dense layers and convolutions between the embeddings and the pooling.
        """
        apart = {id(each) for each in (self.embeddings, self.pooling, self.output_adapter)}
        return [
            each
            for layer in self._flatten_layers(include_self=False, recursive=False)
            if id(layer) not in apart
            for each in layer._flatten_layers()
            if isinstance(each, keras.layers.Dense | keras.layers.Conv1D)
        ]

    def query_stream(
        self, inputs: Mapping[str, Any], start: Any, positions: Any, training: bool | None = None
    ) -> Any:
        """Computes a vector for each of some tokens without seeing it, in a factorization order.

        The vector at a position is computed from all tokens that are not at one of `positions`,
        and from those at the positions before it in `positions`: see
        `models.layers.permutation.permutation_masks`.

        Args:
            inputs: as in `call`.
            start: (sum_width,), what stands in the place of the tokens' own vectors.
            positions: (batch, count) int32, in the order of the factorization, each once; 0 for a
                slot that is not used.
            training: whether dropout is active.

        Returns:
            (batch, count, d_model).

        References:
            Yang et al. 2019, section 2.3 (https://arxiv.org/abs/1906.08237).
        """
        raise NotImplementedError
