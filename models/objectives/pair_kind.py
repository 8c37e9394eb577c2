"""What the objectives that classify pairs of segments have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.build import Array
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Objective, Term, softmax_term


class PairKindHead(Objective):
    """Classifies pairs by the pooled output.

    A subclass gives `pair_shares`, and in `kinds` the kinds of pairs that it tells apart, in the
    order of its logits: 0, B is from another document; 1, B follows A; 2, A follows B.

    Args:
        config: the backbone's configuration.
    """

    kinds: ClassVar[tuple[int, ...]]
    rows: ClassVar[str | None] = "pairs"
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
            len(self.kinds),
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="dense",
        )

    def build(self, input_shape: Any = None) -> None:
        """Creates the projection."""
        super().build()
        self.dense.build((None, self.config.d_model))

    def call(self, pooled_output: Any, training: bool | None = None) -> Any:
        """Computes the logits: (batch, d_model) to (batch, kinds) float32."""
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
        # The kinds of each subclass are consecutive numbers.
        classes = batch["pair_kind"] - self.kinds[0]
        return [softmax_term(self.name, classes, logits, batch["pair_weights"])]
