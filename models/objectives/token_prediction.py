"""What the objectives that predict tokens from the backbone's output have in common."""

from collections.abc import Mapping
from typing import Any

import keras

from models.config import BackboneConfig
from models.kernels.activations import ACTIVATION_FUNCTIONS
from models.kernels.layer_norm import LayerNormalization
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Term
from models.objectives.token_softmax import TokenSoftmax


class TokenPredictionHead(TokenSoftmax):
    """Computes `norm(activation(x W + b)) E^T + c` at some positions; E is the token embedding.

    A subclass declares its targets. Its `positions` have one entry, or are None for a target at
    each position; otherwise it overrides `features`.

    Args:
        As for `TokenSoftmax`.

    References:
        Devlin et al. 2019, section 3.1 and `get_masked_lm_output` of
        https://github.com/google-research/bert.
    """

    def __init__(self, config: BackboneConfig, num_sampled: int = 0, **kwargs: Any) -> None:
        super().__init__(config, num_sampled, **kwargs)
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
    def feature_width(self) -> int:
        """The width of the vectors that `features` returns: `d_model`."""
        return self.config.d_model

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
    def output_bias(self) -> keras.Variable:
        """See `TokenSoftmax.output_bias`."""
        return self.bias

    def output_vectors(self, features: Any) -> Any:
        """Applies the transform: see `TokenSoftmax.output_vectors`."""
        return self.hidden(features, self.transform, self.layer_norm)

    def hidden(self, x: Any, dense: keras.layers.Dense, norm: LayerNormalization) -> Any:
        """Applies a dense layer, the activation and a normalization: (batch, slots, units)."""
        return norm(ACTIVATION_FUNCTIONS[self.config.activation_name](dense(x)))

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
