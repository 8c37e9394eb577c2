"""The generator of replaced token detection: a narrower network of the backbone's kind."""

from typing import Any

import keras

from models.backbones.base import make_backbone
from models.config import BackboneConfig
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class Generator(Serializable, keras.layers.Layer):
    """An encoder as that of the backbone, with narrower layers, on the backbone's embeddings.

    The embeddings of tokens, segments and positions are those of the backbone itself, which a
    projection narrows. As many layers as the backbone has, and no pooling.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> Generator(config, 0.25).width
        16

    Args:
        config: the backbone's configuration.
        fraction: what the widths of the layers are multiplied by, see `BackboneConfig.narrowed`.

    Attributes:
        width: the width of the vectors that it returns.

    References:
        Clark et al. 2020, section 3.2, "Weight Sharing" and "Smaller Generators"
        (https://arxiv.org/abs/2003.10555).
    """

    def __init__(self, config: BackboneConfig, fraction: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        narrow = config.narrowed(fraction)
        self.d_model, self.width = config.d_model, narrow.d_model
        self.projection = keras.layers.Dense(
            self.width,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype=self.dtype_policy,
            name="projection",
        )
        # Of this backbone only the encoder is built and used.
        self.encoder = make_backbone(narrow)

    def build(self, input_shape: Any = None) -> None:
        """Creates the projection and the encoder."""
        self.projection.build((None, None, self.d_model))
        self.encoder.build_encoder((None, None, self.width))

    def call(
        self, embedded: Any, padding_mask: Any, positions: Any, training: bool | None = None
    ) -> Any:
        """Encodes a batch.

        Args:
            embedded: (batch, length, d_model), the backbone's embeddings.
            padding_mask: (batch, length) bool, True at tokens.
            positions: (batch, count) int32, the only positions that are needed.
            training: whether dropout is active.

        Returns:
            (batch, count, width).
        """
        x = self.projection(embedded)
        return self.encoder.encode(x, padding_mask, training=training, positions=positions)[-1]
