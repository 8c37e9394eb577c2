"""Span boundary: predict the tokens of a masked span from the tokens around it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from models.build import Array
from models.config import BackboneConfig
from models.objectives.base import Encode
from models.objectives.token_prediction import TokenPredictionHead

# One row for each place in a span, as many as `data_util.pretraining.noise.span.MAX_OFFSETS`.
MAX_OFFSETS = 20
_OFFSET_WIDTH = 200


@keras.saving.register_keras_serializable(package="models")
class SpanBoundaryHead(TokenPredictionHead):
    """Predicts each token of a span from the two tokens beside the span and its place in it.

    With x the sequence output, s and e the first and the last position of the span and p a table of
    place vectors of width 200, the token at position i is predicted from
    `h = f(f([x[s - 1], x[e + 1], p[i - s]]))`, where each f is a dense layer, the activation and
    layer normalization; the logits are `h E^T + c`, E is the token embedding.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = SpanBoundaryHead(config, name="span_boundary")

    Args:
        As for `TokenPredictionHead`.

    References:
        Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans",
        section 3.2 (https://arxiv.org/abs/1907.10529).
    """

    noise: ClassVar[tuple[str, ...]] = ("span",)
    target_ids: ClassVar[str] = "masked_ids"
    target_weights: ClassVar[str] = "span_weights"
    arrays: ClassVar[Mapping[str, Array]] = {
        "span_left_positions": Array(("batch", "slots"), "int32"),
        "span_right_positions": Array(("batch", "slots"), "int32"),
        "span_offsets": Array(("batch", "slots"), "int32"),
        "masked_ids": Array(("batch", "slots"), "int32"),
        "span_weights": Array(("batch", "slots"), "float32"),
    }
    positions: ClassVar[tuple[str, ...] | None] = ("span_left_positions", "span_right_positions")

    def __init__(self, config: BackboneConfig, num_sampled: int = 0, **kwargs: Any) -> None:
        super().__init__(config, num_sampled, **kwargs)
        self.offsets = keras.layers.Embedding(
            MAX_OFFSETS,
            _OFFSET_WIDTH,
            embeddings_initializer=keras.initializers.TruncatedNormal(
                stddev=config.initializer_range
            ),
            dtype=self.dtype_policy,
            name="offsets",
        )
        self.boundary = self._dense("boundary", config.d_model)
        self.boundary_norm = self._norm("boundary_norm")

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of the two kernels."""
        return super().min_parameters(config, settings) + config.d_model * (
            2 * config.d_model + _OFFSET_WIDTH
        )

    def build(self, input_shape: Any = None) -> None:
        """Creates the table of places and both layers."""
        super().build()
        self.offsets.build((None, None))
        self.boundary.build((None, None, 2 * self.config.d_model + _OFFSET_WIDTH))
        self.boundary_norm.build((None, None, self.config.d_model))

    def boundary_vectors(self, left: Any, right: Any, offsets: Any) -> Any:
        """The vectors from which the second layer predicts the tokens.

        Args:
            left: (batch, slots, d_model), the sequence output before the span of each target.
            right: (batch, slots, d_model), that after the span.
            offsets: (batch, slots) int32, the places in the span, from 0.

        Returns:
            (batch, slots, d_model).
        """
        x = ops.concatenate([left, right, self.offsets(offsets)], axis=-1)
        return self.hidden(x, self.boundary, self.boundary_norm)

    def features(self, encode: Encode, batch: Mapping[str, Any]) -> Any:
        """The boundary vectors of the targets: see `TokenPredictionHead.features`."""
        left, right = (
            encode(positions=name)["sequence_output"]
            for name in ("span_left_positions", "span_right_positions")
        )
        return self.boundary_vectors(left, right, batch["span_offsets"])
