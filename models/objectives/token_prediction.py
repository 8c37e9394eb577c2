"""What the objectives that predict tokens have in common: a softmax over the vocabulary."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.config import BackboneConfig
from models.kernels.activations import ACTIVATION_FUNCTIONS
from models.kernels.layer_norm import LayerNormalization
from models.kernels.sampled_softmax import sampled_logits
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Objective, Term, softmax_term


class TokenPredictionHead(Objective):
    """Computes `norm(activation(x W + b)) E^T + c` at some positions; E is the token embedding.

    With `num_sampled`, each training step scores a token against this many candidates: one half are
    the most frequent tokens, the other half is drawn for each step (see
    `models.kernels.sampled_softmax`). Validation uses the full vocabulary. On a CPU the full
    softmax would dominate the cost of a training step.

    A subclass declares its targets. Its `positions` have one entry, or are None for a target at
    each position; otherwise it overrides `features`.

    Args:
        config: the backbone's configuration.
        num_sampled: the number of candidates in training; 0, or a number not below the vocabulary
            size, for the full vocabulary.

    Attributes:
        target_ids: the name of the batch's array of the tokens to predict, (batch, slots) int32.
        target_weights: that of their weights, (batch, slots) float32; 0 where there is no target.
        predicts: what a pre-trained head can be asked for, see `models.language_model`: "next", the
            token after a position that sees itself and those before it; "masked", that of a masked
            position; "", neither.

    References:
        Devlin et al. 2019, section 3.1 and `get_masked_lm_output` of
        https://github.com/google-research/bert;
        shared embedding: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
    """

    target_ids: ClassVar[str]
    target_weights: ClassVar[str]
    predicts: ClassVar[str] = ""
    settings: ClassVar[tuple[str, ...]] = ("num_sampled",)

    def __init__(self, config: BackboneConfig, num_sampled: int = 0, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.num_sampled = num_sampled
        self._half = num_sampled // 2 if num_sampled < config.vocab_size else 0
        self._seed_generator = keras.random.SeedGenerator()
        # As wide as the table, unless that is projected on the way in and on the way out.
        self.transform = self._dense("transform", config.sum_width)
        self.layer_norm = self._norm("layer_norm")

    def _dense(self, name: str, units: int) -> keras.layers.Dense:
        initializer = keras.initializers.TruncatedNormal(stddev=self.config.initializer_range)
        return keras.layers.Dense(
            units,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(
            epsilon=self.config.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    @property
    def sampled_terms(self) -> tuple[str, ...]:
        """See `Objective.sampled_terms`."""
        return (self.name,) if self._half else ()

    @property
    def feature_width(self) -> int:
        """The width of the vectors that `features` returns: `d_model`."""
        return self.config.d_model

    @classmethod
    def from_options(
        cls, config: BackboneConfig, settings: Mapping[str, Any], **kwargs: Any
    ) -> "Objective":
        """See `Objective.from_options`.

        Args:
            settings: with "ids_by_frequency" false, nothing is sampled: half of the candidates are
                the lowest ids, which are to be the most frequent tokens.
        """
        if not settings.get("ids_by_frequency", True):
            settings = {**settings, "num_sampled": 0}
        return super().from_options(config, settings, **kwargs)

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of the transform's kernel."""
        return config.d_model * config.sum_width

    def build(self, input_shape: Any = None) -> None:
        """Creates the transform and one bias per token."""
        super().build()
        self.transform.build((None, None, self.feature_width))
        self.layer_norm.build((None, None, self.config.sum_width))
        self.bias = self.add_weight(
            shape=(self.config.vocab_size,), initializer="zeros", autocast=False, name="bias"
        )

    @property
    def token_weights(self) -> tuple[keras.Variable, ...]:
        """See `Objective.token_weights`: the bias."""
        return (self.bias,)

    def call(self, sequence_output: Any, token_embedding: Any) -> Any:
        """Scores all tokens at each position.

        Args:
            sequence_output: (batch, slots, feature_width), at the positions of the targets.
            token_embedding: the backbone's layer.

        Returns:
            (batch, slots, vocab_size) float32 logits.
        """
        x = self.hidden(sequence_output, self.transform, self.layer_norm)
        # The product has the layer's precision; everything after it is float32.
        return ops.cast(token_embedding(x, reverse=True), "float32") + self.bias

    def hidden(self, x: Any, dense: keras.layers.Dense, norm: LayerNormalization) -> Any:
        """Applies a dense layer, the activation and a normalization: (batch, slots, units)."""
        return norm(ACTIVATION_FUNCTIONS[self.config.activation_name](dense(x)))

    def sampled(self, sequence_output: Any, ids: Any, token_embedding: Any) -> Any:
        """Scores the target and the sampled candidates at each position.

        Args:
            sequence_output: as in `call`.
            ids: (batch, slots) int32, the targets.
            token_embedding: as in `call`.

        Returns:
            (batch, slots, 1 + candidates) float32 logits, the target's first; `candidates` is
            `num_sampled`, rounded down to an even number.
        """
        x = token_embedding.to_table_width(
            self.hidden(sequence_output, self.transform, self.layer_norm)
        )
        sampled_ids = keras.random.randint(
            (self._half,), self._half, self.config.vocab_size, seed=self._seed_generator
        )
        batch, slots = ops.shape(ids)
        logits = sampled_logits(
            ops.reshape(x, (batch * slots, token_embedding.output_dim)),
            ops.reshape(ids, (batch * slots,)),
            ops.cast(token_embedding.embeddings, x.dtype),
            self.bias,
            self._half,
            sampled_ids,
        )
        return ops.reshape(logits, (batch, slots, 1 + 2 * self._half))

    def features(self, encode: Encode, batch: Mapping[str, Any]) -> Any:
        """The vectors that `call` reads: the sequence output at the targets.

        Args:
            encode, batch: as in `terms`.

        Returns:
            (batch, slots, feature_width).
        """
        at = None if self.positions is None else self.positions[0]
        return encode(positions=at)["sequence_output"]

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term; in training, a target is scored against the sampled candidates."""
        x = self.features(encode, batch)
        return [self.prediction_term(self.name, x, batch, token_embedding, training)]

    def prediction_term(
        self,
        name: str,
        features: Any,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
        logits: Any = None,
    ) -> Term:
        """The term of the predicted tokens.

        Args:
            name: the name of the term.
            features: what `features` returned.
            batch, token_embedding, training: as in `terms`.
            logits: what `call` returned, if it was called already.
        """
        ids, weights = batch[self.target_ids], batch[self.target_weights]
        if training and self._half:
            logits = self.sampled(features, ids, token_embedding)
            ids = ops.zeros_like(ids)  # The target is the first of the candidates.
        elif logits is None:
            logits = self(features, token_embedding=token_embedding)
        return softmax_term(name, ids, logits, weights)
