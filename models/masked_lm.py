"""The masked language model: which token is behind the mask?"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.activations import ACTIVATION_FUNCTIONS
from models.config import BackboneConfig
from models.objective import Objective


@keras.saving.register_keras_serializable(package="models")
class MaskedLMHead(Objective):
    """`norm(activation(x W + b)) E^T + c` at the masked positions, E the token embedding.

    References:
        Devlin et al. 2019, section 3.1 and `get_masked_lm_output` of
        https://github.com/google-research/bert;
        shared embedding: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.transform = keras.layers.Dense(
            config.d_model,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype=self.dtype_policy,
            name="transform",
        )
        self.layer_norm = keras.layers.LayerNormalization(
            epsilon=config.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )

    def build(self, input_shape: Any = None) -> None:
        """Makes the transform and a bias a token."""
        shape = (None, None, self.config.d_model)
        self.transform.build(shape)
        self.layer_norm.build(shape)
        self.bias = self.add_weight(
            shape=(self.config.vocab_size,), initializer="zeros", autocast=False, name="bias"
        )

    def call(self, sequence_output: Any, masked_positions: Any, token_embedding: Any) -> Any:
        """Predicts masked tokens.

        Args:
            sequence_output: (batch, length, d_model).
            masked_positions: (batch, slots) int32.
            token_embedding: the backbone's layer.

        Returns:
            (batch, slots, vocab_size) float32 logits.
        """
        x = ops.take_along_axis(sequence_output, masked_positions[:, :, None], axis=1)
        x = self.layer_norm(ACTIVATION_FUNCTIONS[self.config.activation_name](self.transform(x)))
        # The product runs at the layer's precision, what follows it in float32.
        return ops.cast(token_embedding(x, reverse=True), "float32") + self.bias

    def logits(
        self,
        outputs: Mapping[str, Any],
        batch: Mapping[str, Any],
        token_embedding: keras.layers.ReversibleEmbedding,
        training: bool | None,
    ) -> Any:
        """(batch, slots, vocab_size) float32."""
        return self(
            outputs["sequence_output"],
            batch["masked_positions"],
            token_embedding=token_embedding,
        )

    def targets(self, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """The tokens behind the masks, (batch, slots); unused slots have weight 0."""
        return batch["masked_ids"], batch["masked_weights"]
