"""Denoising: an encoder reads a damaged text, and a decoder writes the true one."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.build import Array
from models.config import BackboneConfig
from models.heads.decoder import Decoder, decoder_config
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Term
from models.objectives.denoising_options import MAX_LAYERS, NOISES
from models.objectives.token_softmax import TokenSoftmax

_DECODER_LAYERS = 2


@keras.saving.register_keras_serializable(package="models")
class DenoisingHead(TokenSoftmax):
    """Predicts each token of a text from those before it, and from the damaged text.

    The backbone reads the damaged text, with the visibility "both". The decoder is that of the task
    sequence_to_sequence, which takes it over. What the damage is, and whether the whole text is
    written, is the noise's business.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = DenoisingHead(config, decoder_layers=1, name="denoising")

    Args:
        config: the backbone's configuration.
        num_sampled: as for `TokenSoftmax`.
        decoder_layers: the number of the decoder's layers.

    Attributes:
        head: the decoder.

    Raises:
        ConfigError: there cannot be so many layers.

    References:
        Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training for Natural Language
        Generation, Translation, and Comprehension", section 2 (https://arxiv.org/abs/1910.13461);
        Song et al. 2019, "MASS" (https://arxiv.org/abs/1905.02450); Raffel et al. 2020, "T5"
        (https://arxiv.org/abs/1910.10683). The decoder is this project's in all three.
    """

    rows: ClassVar[str | None] = "single"
    noise: ClassVar[tuple[str, ...]] = NOISES
    target_ids: ClassVar[str] = "decoded_ids"
    target_weights: ClassVar[str] = "decoded_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "decoder_ids": Array(("batch", "target_length"), "int32"),
        "decoded_ids": Array(("batch", "target_length"), "int32"),
        "decoded_weights": Array(("batch", "target_length"), "float32"),
    }
    settings: ClassVar[tuple[str, ...]] = ("num_sampled", "decoder_layers")

    def __init__(
        self,
        config: BackboneConfig,
        num_sampled: int = 0,
        decoder_layers: int = _DECODER_LAYERS,
        **kwargs: Any,
    ) -> None:
        super().__init__(config, num_sampled, **kwargs)
        if not _is_number_of_layers(decoder_layers):
            raise ConfigError(f"decoder_layers must be a whole number from 1 to {MAX_LAYERS}.")
        self.decoder_layers = decoder_layers
        # A target is at most as long as the text, of which [CLS] is not written.
        sizes = decoder_config(config, decoder_layers, config.max_position)
        self.head = Decoder(sizes, dtype=self.dtype_policy, name="head")

    @property
    def saved_settings(self) -> dict[str, Any]:
        """The number of the decoder's layers."""
        return {"decoder_layers": self.decoder_layers}

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of the decoder."""
        layers: Any = settings.get("decoder_layers")
        return Decoder.min_parameters(config, layers) if _is_number_of_layers(layers) else 0

    def build(self, input_shape: Any = None) -> None:
        """Creates the decoder's weights."""
        super().build()
        self.head.build()

    @property
    def output_bias(self) -> keras.Variable:
        """See `TokenSoftmax.output_bias`: the decoder's."""
        return self.head.bias

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term; in training, a target is scored against the sampled candidates."""
        # Under a distribution strategy the mask arrives as 0 and 1.
        memory_mask = ops.cast(batch["padding_mask"], "bool")
        memory = encode()["sequence_output"]
        x = self.head.output_vectors(
            batch["decoder_ids"], memory, memory_mask, token_embedding, training
        )
        return [self.prediction_term(self.name, x, batch, token_embedding, training)]


def _is_number_of_layers(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_LAYERS
