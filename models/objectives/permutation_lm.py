"""Permutation language modelling: predict the last tokens of a random factorization order."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.build import Array
from models.objectives.base import Encode
from models.objectives.token_prediction import TokenPredictionHead


@keras.saving.register_keras_serializable(package="models")
class PermutationLMHead(TokenPredictionHead):
    """Predicts some tokens one after the other in a random order, from all others.

    Each target is predicted from the tokens that are no targets and from the targets before it in
    the order. The backbone's content stream reads the text unchanged; its query stream, with the
    same weights, computes the vector at a target without seeing the token there. It starts from one
    learned vector, to which segment and position are added as to a token. So no token is replaced
    by [MASK], and what fine-tuning reads is the plain backbone, the content stream.

    XLNet's relative positions and its cached segments are not part of it: positions are those of
    the backbone, absolute ones in the embeddings or rotary ones in the attention.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = PermutationLMHead(config, name="permutation_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language
        Understanding", sections 2.2 and 2.3 (https://arxiv.org/abs/1906.08237). The head is that of
        BERT's masked language model.
    """

    noise: ClassVar[tuple[str, ...]] = ("permutation",)
    target_ids: ClassVar[str] = "permuted_ids"
    target_weights: ClassVar[str] = "permuted_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "permuted_positions": Array(("batch", "slots"), "int32"),
        "permuted_ids": Array(("batch", "slots"), "int32"),
        "permuted_weights": Array(("batch", "slots"), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ()
    reads_query_stream: ClassVar[bool] = True

    def build(self, input_shape: Any = None) -> None:
        """Creates the vector from which the query stream starts, too."""
        super().build()
        self.start = self.add_weight(
            shape=(self.config.sum_width,),
            initializer=keras.initializers.TruncatedNormal(stddev=self.config.initializer_range),
            name="start",
        )

    def features(self, encode: Encode, batch: Mapping[str, Any]) -> Any:
        """The query stream at the targets: see `TokenPredictionHead.features`."""
        return encode(positions="permuted_positions", start=self.start)["sequence_output"]
