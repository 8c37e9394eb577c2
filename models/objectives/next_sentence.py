"""Next sentence prediction: does the second segment follow the first?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.build import Array
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Objective, Term, softmax_term


@keras.saving.register_keras_serializable(package="models")
class NextSentenceHead(Objective):
    """Classifies pairs by the pooled output: B is from another document (0) or follows A (1).

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = NextSentenceHead(config, name="next_sentence")

    Args:
        config: the backbone's configuration.

    References:
        Devlin et al. 2019, section 3.1 (https://arxiv.org/abs/1810.04805).
    """

    rows: ClassVar[str | None] = "pairs"
    pair_shares: ClassVar[tuple[float, float, float] | None] = (0.5, 0.5, 0.0)
    arrays: ClassVar[Mapping[str, Array]] = {
        "pair_kind": Array(("batch",), "int32"),
        "pair_weights": Array(("batch",), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ()
    reads_pooled_output: ClassVar[bool] = True

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.dense = keras.layers.Dense(
            2,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="dense",
        )

    def build(self, input_shape: Any = None) -> None:
        """Creates the projection."""
        self.dense.build((None, self.config.d_model))

    def call(self, pooled_output: Any, training: bool | None = None) -> Any:
        """Computes the logits: (batch, d_model) to (batch, 2) float32."""
        return self.dense(self.dropout(pooled_output, training=training))

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term; rows without a pair have weight 0."""
        logits = self(encode()["pooled_output"], training=training)
        return [softmax_term(self.name, batch["pair_kind"], logits, batch["pair_weights"])]
