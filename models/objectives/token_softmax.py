"""What the objectives that predict tokens have in common: a softmax over the vocabulary."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.config import BackboneConfig
from models.kernels.sampled_softmax import sampled_logits
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Objective, Term, softmax_term


class TokenSoftmax(Objective):
    """Computes `h E^T + c` for some vectors h; E is the token embedding.

    With `num_sampled`, each training step scores a token against this many candidates: one half are
    the most frequent tokens, the other half is drawn for each step (see
    `models.kernels.sampled_softmax`). Validation uses the full vocabulary. On a CPU the full
    softmax would dominate the cost of a training step.

    A subclass declares its targets, and says what the vectors and the bias are.

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
        Shared embedding: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
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

    @property
    def sampled_terms(self) -> tuple[str, ...]:
        """See `Objective.sampled_terms`."""
        return (self.name,) if self._half else ()

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

    @property
    def output_bias(self) -> keras.Variable:
        """The bias of each token, (vocab_size,) float32."""
        raise NotImplementedError

    @property
    def token_weights(self) -> tuple[keras.Variable, ...]:
        """See `Objective.token_weights`: the bias."""
        return (self.output_bias,)

    def output_vectors(self, features: Any) -> Any:
        """The vectors that are multiplied with the token embedding: by default the features.

        Args:
            features: (batch, slots, width).

        Returns:
            (batch, slots, sum_width).
        """
        return features

    def call(self, features: Any, token_embedding: Any) -> Any:
        """Scores all tokens.

        Args:
            features: (batch, slots, width), see `output_vectors`.
            token_embedding: the backbone's layer.

        Returns:
            (batch, slots, vocab_size) float32 logits.
        """
        x = self.output_vectors(features)
        # The product has the layer's precision; everything after it is float32.
        return ops.cast(token_embedding(x, reverse=True), "float32") + self.output_bias

    def sampled(self, features: Any, ids: Any, token_embedding: Any) -> Any:
        """Scores the target and the sampled candidates at each position.

        Args:
            features: as in `call`.
            ids: (batch, slots) int32, the targets.
            token_embedding: as in `call`.

        Returns:
            (batch, slots, 1 + candidates) float32 logits, the target's first; `candidates` is
            `num_sampled`, rounded down to an even number.
        """
        x = token_embedding.to_table_width(self.output_vectors(features))
        sampled_ids = keras.random.randint(
            (self._half,), self._half, self.config.vocab_size, seed=self._seed_generator
        )
        batch, slots = ops.shape(ids)
        logits = sampled_logits(
            ops.reshape(x, (batch * slots, token_embedding.output_dim)),
            ops.reshape(ids, (batch * slots,)),
            ops.cast(token_embedding.embeddings, x.dtype),
            self.output_bias,
            self._half,
            sampled_ids,
        )
        return ops.reshape(logits, (batch, slots, 1 + 2 * self._half))

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
            features: as in `call`.
            batch, token_embedding, training: as in `Objective.terms`.
            logits: what `call` returned, if it was called already.
        """
        ids, weights = batch[self.target_ids], batch[self.target_weights]
        if training and self._half:
            logits = self.sampled(features, ids, token_embedding)
            ids = ops.zeros_like(ids)  # The target is the first of the candidates.
        elif logits is None:
            logits = self(features, token_embedding=token_embedding)
        return softmax_term(name, ids, logits, weights)
