"""What every backbone has: embeddings before it, pooling after it, and the contract between."""

from collections.abc import Mapping
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
    """The backbone of `config`, with weights that are yet to be built."""
    return BACKBONES[config.backbone](config)


class Backbone(Serializable, keras.layers.Layer):
    """Token ids to one vector per position and one vector per sequence.

    A backbone is a subclass that says in `encode` what is between the embeddings and the
    pooling, and is named in `models.registry.BACKBONES`.

        >>> backbone = build(make_backbone(backbone_config("text_cnn", "tiny", vocab_size=100)))
        >>> ids = np.array([[1, 7, 2]])
        >>> inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids > 0}
        >>> backbone(inputs)["sequence_output"].shape
        TensorShape([1, 3, 64])

    Args:
        config: the sizes and choices, of the class `config_class`.

    Attributes:
        config_class: the dataclass of the backbone's sizes.
        visibilities: what a position may see: "both" (every position), "left" (itself and those
            before it).
    """

    config_class: ClassVar[type[BackboneConfig]]
    visibilities: ClassVar[tuple[str, ...]] = ("both",)

    def __init__(self, config: BackboneConfig, name: str = "backbone", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.config = config
        self.embeddings = Embeddings(config, dtype=self.dtype_policy, name="embeddings")
        self.pooling = POOLINGS[config.pooling](config)

    @property
    def token_embedding(self) -> TokenEmbedding:
        """The token embedding, which a language-model head shares."""
        return self.embeddings.token_embedding

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight; all sizes are known from the configuration."""
        shape = (None, None, self.config.d_model)
        self.embeddings.build(shape)
        self.build_encoder(shape)
        self.pooling.build(shape)

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
                length) bool, True at tokens and False at padding, or an integer type, 1 and 0.
                Other keys are left alone. A padded position changes nothing at any other.
            visibility: one of `visibilities`: what a position sees.
            positions: (batch, count) int32, where alone the sequence output is wanted; None:
                everywhere. What is not wanted is not computed, as far as that can be.
            layers: whether the output of each layer is wanted too; then `positions` must be None.

        Returns:
            "embedding_output" (batch, length, d_model), before the encoder; "sequence_output"
            (batch, length, d_model), or (batch, count, d_model) at the `positions`, after it;
            "pooled_output" (batch, d_model), the pooling of the sequence output; and with `layers`
            "layer_outputs", a list of arrays (batch, length, width), the last of which is the
            sequence output.

        Raises:
            ConfigError: this backbone does not have the visibility.
        """
        if visibility not in self.visibilities:
            raise ConfigError(
                f"a {self.config.backbone} has the visibilities {', '.join(self.visibilities)}, "
                f"not {visibility!r}."
            )
        if layers and positions is not None:
            raise ValueError("the outputs of the layers are those of all positions")
        # Keras averages a batch over a strategy's replicas to see its shapes, and cannot do so
        # with bool: under one the mask comes as 0 and 1.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        embedded = self.embeddings(inputs["token_ids"], inputs["segment_ids"], training=training)

        def encode(at: Any = None) -> list[Any]:
            return self.encode(
                embedded,
                padding_mask,
                training=training,
                visibility=visibility,
                positions=at,
                layers=layers,
            )

        found = {"embedding_output": embedded}
        if positions is not None and getattr(self.pooling, "reads_first_alone", False):
            asked = ops.pad(positions, ((0, 0), (1, 0)))  # the first position, then the wanted ones
            (sequence,) = encode(asked)
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
        """Makes the weights of what `encode` uses; `shape` is that of the embedded batch."""
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
        """What is between the embeddings and the pooling.

        A backbone that cannot do with less than all positions ends with `gather_positions`, which
        leaves all of them where `positions` is None.

        Args:
            embedded: (batch, length, d_model).
            padding_mask: (batch, length) bool.
            visibility: one of `visibilities`.
            positions: (batch, count) int32, where alone the output is wanted; None: everywhere.
            layers: whether the output of each layer is wanted, everywhere.

        Returns:
            The sequence output (batch, length, d_model), or (batch, count, d_model) at the
            positions; with `layers`, before it the outputs of the layers below, of any width.
        """
        raise NotImplementedError
