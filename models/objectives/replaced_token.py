"""Replaced token detection: which tokens has a generator put there?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.build import Array
from models.config import BackboneConfig
from models.kernels.activations import ACTIVATION_FUNCTIONS
from models.kernels.losses import sigmoid_cross_entropy
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Term
from models.objectives.generator import Generator
from models.objectives.token_prediction import TokenPredictionHead

GENERATOR_SIZE, DISCRIMINATOR_FACTOR = 0.25, 50.0
# Of the samples of validation, which are the same each time.
_VALIDATION_SEED = 0


@keras.saving.register_keras_serializable(package="models")
class ReplacedTokenHead(TokenPredictionHead):
    """Tells the tokens of the text from those that a masked language model has put in their place.

    A small generator, which is trained with the backbone and then discarded, predicts the masked
    tokens. A token is drawn from its softmax for each of their positions, and the backbone reads
    the text with these tokens. From its output x at each position it tells whether the token is
    another one than that of the text: `sigmoid(activation(x W + b) w + c)`. A drawn token that is
    the one of the text counts as such.

    The terms are `generator`, the masked language model, and `replaced_token`, the binary
    cross-entropy at every token of the rows in which any token is masked, [CLS] and [SEP] among
    them as in ELECTRA. No gradient flows through the draws, so that the generator learns from its
    own term alone; token, segment and position embeddings are shared and learn from both.

    With `num_sampled`, training scores the generator against sampled candidates, as
    `TokenPredictionHead` does; the tokens are drawn from the softmax over the whole vocabulary in
    any case, which takes a product with all of its embeddings but no gradient of it. In
    validation, the same random numbers draw the tokens of each batch.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = ReplacedTokenHead(config, generator_size=0.5, name="replaced_token")

    Args:
        config: the backbone's configuration.
        num_sampled: see `TokenPredictionHead`.
        generator_size: the width of the generator's layers, as a fraction of the backbone's; above
            0 and at most 1.
        discriminator_factor: the weight of the term `replaced_token`.

    Raises:
        ConfigError: there can be no generator of this size.

    References:
        Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than
        Generators" (https://arxiv.org/abs/2003.10555), and
        https://github.com/google-research/electra.
    """

    noise: ClassVar[tuple[str, ...]] = ("token", "whole_word", "ngram", "span", "phrase")
    target_ids: ClassVar[str] = "masked_ids"
    target_weights: ClassVar[str] = "masked_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "masked_positions": Array(("batch", "slots"), "int32"),
        "masked_ids": Array(("batch", "slots"), "int32"),
        "masked_weights": Array(("batch", "slots"), "float32"),
    }
    # It reads all positions, but of a pass of its own.
    positions: ClassVar[tuple[str, ...] | None] = ()
    settings: ClassVar[tuple[str, ...]] = ("num_sampled", "generator_size", "discriminator_factor")

    def __init__(
        self,
        config: BackboneConfig,
        num_sampled: int = 0,
        generator_size: float = GENERATOR_SIZE,
        discriminator_factor: float = DISCRIMINATOR_FACTOR,
        **kwargs: Any,
    ) -> None:
        super().__init__(config, num_sampled, **kwargs)
        if not _is_fraction(generator_size):
            raise ConfigError("generator_size must be a number above 0 and at most 1.")
        self.generator_size = generator_size
        self.discriminator_factor = discriminator_factor
        self.discriminator = self._dense("discriminator", config.d_model)
        self.discriminator_logit = keras.layers.Dense(
            1,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="discriminator_logit",
        )

    @property
    def sampled_terms(self) -> tuple[str, ...]:
        """See `Objective.sampled_terms`: the generator's, if it is scored so."""
        return ("generator",) if super().sampled_terms else ()

    @property
    def feature_width(self) -> int:
        """The width of the generator's layers."""
        return self.config.narrowed(self.generator_size).d_model

    @property
    def saved_settings(self) -> dict[str, Any]:
        """The size of the generator."""
        return {"generator_size": self.generator_size}

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of the discriminator and what narrows for the
        generator and widens again."""
        size: Any = settings.get("generator_size")
        width = config.narrowed(size).d_model if _is_fraction(size) else 0
        return config.d_model**2 + width * (config.d_model + config.sum_width)

    def companions(self, config: BackboneConfig) -> dict[str, keras.layers.Layer]:
        """The generator."""
        return {
            "generator": Generator(
                config, self.generator_size, dtype=self.dtype_policy, name="generator"
            )
        }

    def build(self, input_shape: Any = None) -> None:
        """Creates the generator, its softmax and the discriminator."""
        super().build()
        self.discriminator.build((None, None, self.config.d_model))
        self.discriminator_logit.build((None, None, self.config.d_model))

    def features(self, encode: Encode, batch: Mapping[str, Any]) -> Any:
        """The generator's output at the masked positions, (batch, slots, feature_width)."""
        embedded = encode(embeddings_only=True)["embedding_output"]
        # Under a distribution strategy the mask arrives as 0 and 1.
        padding_mask = ops.cast(batch["padding_mask"], "bool")
        return self.networks["generator"](embedded, padding_mask, batch["masked_positions"])

    def sample(self, logits: Any, training: bool | None) -> Any:
        """Draws tokens from their softmax.

        Args:
            logits: (batch, slots, vocab_size) float32.
            training: whether each call draws anew.

        Returns:
            (batch, slots) int32; no gradient flows through it.
        """
        batch, slots, vocab_size = ops.shape(logits)
        flat = ops.reshape(ops.stop_gradient(logits), (batch * slots, vocab_size))
        seed = self._seed_generator if training else _VALIDATION_SEED
        drawn = keras.random.categorical(flat, 1, dtype="int32", seed=seed)
        return ops.reshape(drawn, (batch, slots))

    def discriminate(self, sequence_output: Any) -> Any:
        """The log-odds that each token was replaced: (..., d_model) to (...) float32."""
        activation = ACTIVATION_FUNCTIONS[self.config.activation_name]
        hidden = activation(self.discriminator(sequence_output))
        return ops.squeeze(self.discriminator_logit(hidden), axis=-1)

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns the terms `generator` and `replaced_token`."""
        features = self.features(encode, batch)
        logits = self(features, token_embedding=token_embedding)
        generator = self.prediction_term(
            "generator", features, batch, token_embedding, training, logits
        )
        drawn = self.sample(logits, training)
        token_ids, is_replaced = put_in_place(batch, drawn)
        sequence = encode(token_ids=token_ids)["sequence_output"]
        log_odds = self.discriminate(sequence)
        losses = sigmoid_cross_entropy(ops.cast(is_replaced, "float32"), log_odds)
        # Rows that only fill up a batch have no masks that count.
        counts = ops.any(batch["masked_weights"] > 0, axis=1, keepdims=True)
        weights = ops.cast(batch["padding_mask"], "float32") * ops.cast(counts, "float32")
        hits = ops.equal(log_odds > 0, is_replaced)
        discriminator = Term(self.name, losses, weights, hits, self.discriminator_factor)
        return [generator, discriminator]


def put_in_place(batch: Mapping[str, Any], drawn: Any) -> tuple[Any, Any]:
    """Puts drawn tokens in the place of the masked ones.

    Args:
        batch: "token_ids" (batch, length) int32, and "masked_positions", "masked_ids" and
            "masked_weights" (batch, slots).
        drawn: (batch, slots) int32.

    Returns:
        The token ids (batch, length) int32, and whether a token is another one than that of the
        text (batch, length) bool. Slots of weight 0 change nothing.
    """
    places = ops.arange(ops.shape(batch["token_ids"])[1], dtype="int32")
    here = batch["masked_positions"][:, :, None] == places
    here = ops.logical_and(here, batch["masked_weights"][:, :, None] > 0)
    # Every position is in one slot at most.
    put = ops.sum(ops.where(here, drawn[:, :, None], 0), axis=1)
    token_ids = ops.where(ops.any(here, axis=1), put, batch["token_ids"])
    other = ops.logical_and(here, (drawn != batch["masked_ids"])[:, :, None])
    return token_ids, ops.any(other, axis=1)


def _is_fraction(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= 1
