"""What every backbone has: embeddings before it, pooling after it, and the contract between."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.at_positions import at_positions
from models.config import BackboneConfig
from models.embeddings import Embeddings
from models.tables import POOLINGS
from models.token_embedding import TokenEmbedding


class Backbone(keras.layers.Layer):
    """Token ids to a vector a position and a vector a document.

    A backbone is a subclass that says in `encode` what is between the embeddings and the
    pooling, and is named in `models.tables.BACKBONES`.

    Args:
        config: the sizes and choices.

    Attributes:
        defaults: fields of `BackboneConfig` whose default is this backbone's own.
        unused: fields of `BackboneConfig` that say nothing to this backbone.
        learning_rates: the highest one of each stage, where the user names none.
    """

    defaults: ClassVar[dict[str, str]]
    unused: ClassVar[tuple[str, ...]]
    learning_rates: ClassVar[dict[str, float]] = {"pretraining": 1e-3, "fine_tuning": 1e-3}

    def __init__(self, config: BackboneConfig, name: str = "backbone", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.config = config
        self.embeddings = Embeddings(
            config.vocab_size,
            config.d_model,
            config.max_position,
            config.num_segment,
            config.position,
            config.dropout,
            config.layer_norm_epsilon,
            config.initializer_range,
            config.embedding_width,
            dtype=self.dtype_policy,
            name="embeddings",
        )
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
        self, inputs: Mapping[str, Any], training: bool | None = None, positions: Any = None
    ) -> dict[str, Any]:
        """Encodes a batch.

        Args:
            inputs: "token_ids" and "segment_ids" (batch, length) int32; "padding_mask" (batch,
                length) bool, True at tokens and False at padding, or an integer type, 1 and 0.
                Other keys are left alone. A padded position changes nothing at any other.
            positions: (batch, count) int32, where alone the sequence output is wanted; None:
                everywhere. What is not wanted is not computed, as far as that can be.

        Returns:
            "embedding_output" (batch, length, d_model), before the encoder; "sequence_output"
            (batch, length, d_model), or (batch, count, d_model) at the `positions`, after it;
            "pooled_output" (batch, d_model).
        """
        # Keras averages a batch over a strategy's replicas to see its shapes, and cannot do so
        # with bool: under one the mask comes as 0 and 1.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        embedded = self.embeddings(inputs["token_ids"], inputs["segment_ids"], training=training)
        if positions is not None and getattr(self.pooling, "reads_first_alone", False):
            asked = ops.pad(positions, ((0, 0), (1, 0)))  # the first position, then the wanted ones
            found = self.encode_at(embedded, padding_mask, training, asked)
            pooled, sequence = self.pooling(found, padding_mask), found[:, 1:]
        else:
            sequence = self.encode(embedded, padding_mask, training)
            pooled = self.pooling(sequence, padding_mask)
            if positions is not None:
                sequence = at_positions(sequence, positions)
        return {
            "embedding_output": embedded,
            "sequence_output": sequence,
            "pooled_output": pooled,
        }

    def build_encoder(self, shape: tuple) -> None:
        """Makes the weights of what `encode` uses; `shape` is that of the embedded batch."""
        raise NotImplementedError

    def encode(self, embedded: Any, padding_mask: Any, training: bool | None) -> Any:
        """(batch, length, d_model) and (batch, length) bool to (batch, length, d_model)."""
        raise NotImplementedError

    def encode_at(
        self, embedded: Any, padding_mask: Any, training: bool | None, positions: Any
    ) -> Any:
        """What `encode` gives at some positions, (batch, count) int32: (batch, count, d_model).

        A backbone that need not compute the others for it has its own way here.
        """
        return at_positions(self.encode(embedded, padding_mask, training), positions)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Backbone":
        """The backbone that `get_config` described."""
        return cls(BackboneConfig.from_dict(config.pop("config")), **config)
