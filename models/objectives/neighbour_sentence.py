"""Neighbour sentence: which text of the batch is the one beside this text in its document?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.build import Array
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Objective, Term, softmax_term

# The score of what is no candidate.
_EXCLUDED = -1e9


@keras.saving.register_keras_serializable(package="models")
class NeighbourSentenceHead(Objective):
    """Picks the true neighbour of each text among the texts of the batch.

    Both readings of a text are projections of the backbone's pooled output x, f(x) = x U and
    g(x) = x V (quick-thought trains two encoders instead). The score of text t as the neighbour of
    text s is f(s) g(t), and the loss is the cross-entropy of the softmax over the candidates: all
    other texts of the batch that have a neighbour. Before training, one in as many as there are
    candidates is right. A text without a neighbour has weight 0.

    On several devices of one process (`--distribute=mirrored`), each takes its candidates from its
    own part of the batch, and a text whose neighbour is in another part has weight 0.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = NeighbourSentenceHead(config, name="neighbour_sentence")

    Args:
        config: the backbone's configuration.

    References:
        Logeswaran & Lee 2018, "An efficient framework for learning sentence representations",
        section 3 (https://arxiv.org/abs/1803.02893).
    """

    rows: ClassVar[str | None] = "neighbours"
    arrays: ClassVar[Mapping[str, Array]] = {
        "neighbour_offset": Array(("batch",), "int32"),
        "neighbour_weights": Array(("batch",), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ()
    reads_pooled_output: ClassVar[bool] = True

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.dropout = Dropout(config.dropout, dtype=self.dtype_policy, name="dropout")
        self.text, self.candidate = (
            # No bias: that of a candidate would add the same to all scores of a text.
            keras.layers.Dense(
                config.d_model,
                use_bias=False,
                kernel_initializer=keras.initializers.TruncatedNormal(
                    stddev=config.initializer_range
                ),
                dtype="float32",
                name=name,
            )
            for name in ("text", "candidate")
        )

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of both projections."""
        return 2 * config.d_model**2

    def build(self, input_shape: Any = None) -> None:
        """Creates both projections."""
        super().build()
        self.text.build((None, self.config.d_model))
        self.candidate.build((None, self.config.d_model))

    def call(self, pooled_output: Any, training: bool | None = None) -> Any:
        """Scores each text as the neighbour of each.

        Args:
            pooled_output: (batch, d_model).
            training: whether dropout is active.

        Returns:
            (batch, batch) float32; the second axis is that of the candidates.
        """
        x = self.dropout(pooled_output, training=training)
        return ops.matmul(self.text(x), ops.transpose(self.candidate(x)))

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term; rows without a neighbour have weight 0."""
        offsets, weights = batch["neighbour_offset"], batch["neighbour_weights"]
        scores = self(encode()["pooled_output"], training=training)
        count = ops.shape(offsets)[0]
        places = ops.arange(count, dtype="int32")
        is_candidate = ops.logical_and(weights > 0, places[:, None] != places)
        scores = ops.where(is_candidate, scores, _EXCLUDED)
        # A part of a batch may end between two neighbours.
        wanted = places + offsets
        neighbour = ops.clip(wanted, 0, count - 1)
        is_here = ops.logical_and(wanted == neighbour, ops.take(weights, neighbour) > 0)
        weights = weights * ops.cast(is_here, weights.dtype)
        return [softmax_term(self.name, neighbour, scores, weights)]
