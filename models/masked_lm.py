"""The masked language model: which token is behind the mask?"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.activations import ACTIVATION_FUNCTIONS
from models.config import BackboneConfig
from models.layer_norm import LayerNormalization
from models.objective import Objective
from models.sampled_softmax import sampled_logits
from models.token_embedding import TokenEmbedding


@keras.saving.register_keras_serializable(package="models")
class MaskedLMHead(Objective):
    """`norm(activation(x W + b)) E^T + c` at the masked positions, E the token embedding.

    With `candidates`, a training step computes the logits of so many tokens only, half of them
    the most frequent and half drawn anew (see `models.sampled_softmax`). The full softmax over a
    large vocabulary is most of the step on a CPU. Evaluation always has the full one.

    Args:
        config: the backbone's configuration.
        candidates: tokens that a target is measured against in training; 0: the whole
            vocabulary, and so is a number that is not below its size.

    References:
        Devlin et al. 2019, section 3.1 and `get_masked_lm_output` of
        https://github.com/google-research/bert;
        shared embedding: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
    """

    def __init__(self, config: BackboneConfig, candidates: int = 0, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.candidates = candidates
        self._half = candidates // 2 if candidates < config.vocab_size else 0
        self._seed_generator = keras.random.SeedGenerator()
        self.transform = keras.layers.Dense(
            config.d_model,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype=self.dtype_policy,
            name="transform",
        )
        self.layer_norm = LayerNormalization(
            epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )

    @classmethod
    def min_parameters(cls, config: BackboneConfig) -> int:
        """The transform's kernel."""
        return config.d_model**2

    def build(self, input_shape: Any = None) -> None:
        """Makes the transform and a bias a token."""
        shape = (None, None, self.config.d_model)
        self.transform.build(shape)
        self.layer_norm.build(shape)
        self.bias = self.add_weight(
            shape=(self.config.vocab_size,), initializer="zeros", autocast=False, name="bias"
        )

    def call(self, sequence_output: Any, token_embedding: Any) -> Any:
        """Predicts masked tokens.

        Args:
            sequence_output: (batch, slots, d_model), at the masked positions.
            token_embedding: the backbone's layer.

        Returns:
            (batch, slots, vocab_size) float32 logits.
        """
        x = self._transformed(sequence_output)
        # The product runs at the layer's precision, what follows it in float32.
        return ops.cast(token_embedding(x, reverse=True), "float32") + self.bias

    def _transformed(self, sequence_output: Any) -> Any:
        """(batch, slots, d_model) to the same."""
        x = self.transform(sequence_output)
        return self.layer_norm(ACTIVATION_FUNCTIONS[self.config.activation_name](x))

    def sampled(self, sequence_output: Any, masked_ids: Any, token_embedding: Any) -> Any:
        """Predicts masked tokens among candidates.

        Args:
            sequence_output, token_embedding: as in `call`.
            masked_ids: (batch, slots) int32, the targets.

        Returns:
            (batch, slots, 1 + candidates) float32 logits, the target's first.
        """
        x = token_embedding.narrowed(self._transformed(sequence_output))
        sampled_ids = keras.random.randint(
            (self._half,), self._half, self.config.vocab_size, seed=self._seed_generator
        )
        batch, slots = ops.shape(masked_ids)
        logits = sampled_logits(
            ops.reshape(x, (batch * slots, token_embedding.output_dim)),
            ops.reshape(masked_ids, (batch * slots,)),
            ops.cast(token_embedding.embeddings, x.dtype),
            self.bias,
            self._half,
            sampled_ids,
        )
        return ops.reshape(logits, (batch, slots, 1 + 2 * self._half))

    def logits(
        self,
        outputs: Mapping[str, Any],
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> Any:
        """(batch, slots, vocab_size) float32; (batch, slots, 1 + candidates) in training."""
        if training and self._half:
            return self.sampled(outputs["sequence_output"], batch["masked_ids"], token_embedding)
        return self(outputs["sequence_output"], token_embedding=token_embedding)

    def targets(self, batch: Mapping[str, Any], training: bool) -> tuple[Any, Any]:
        """The tokens behind the masks, (batch, slots); unused slots have weight 0."""
        ids = batch["masked_ids"]
        if training and self._half:
            # The target is the first of the candidates.
            ids = ops.zeros_like(ids)
        return ids, batch["masked_weights"]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "candidates": self.candidates}
