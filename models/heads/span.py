"""A head that scores each token of the second text as the first, and as the last, of an answer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.serializable import Serializable

# Far below every score, and its softmax is 0; an exported model in half precision can hold it.
NO_SCORE = -3e4


@keras.saving.register_keras_serializable(package="models")
class SpanHead(Serializable, keras.layers.Layer):
    """Scores of starts and ends from the encoder's output at each position, like BERT.

    The texts are those of `[CLS] question [SEP] passage [SEP]`, with segment ids 0 and 1. [CLS]
    stands for "the passage has no answer"; all other positions outside of the passage have
    the score `NO_SCORE`.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = SpanHead(config, dropout=0.1)

    Args:
        config: the backbone's configuration.
        dropout: the dropout rate of the head's input.

    Attributes:
        reads_pooled_output, reads_sequence_output, starts_from, takes_over: as of
            `ClassificationHead`.

    Raises:
        ConfigError: `dropout` is invalid.

    References:
        Devlin et al. 2019, sections 4.2 and 4.3 (https://arxiv.org/abs/1810.04805).
    """

    starts_from: ClassVar[str | None] = None
    takes_over: ClassVar[str | None] = None
    reads_pooled_output: ClassVar[bool] = False
    reads_sequence_output: ClassVar[bool] = True

    def __init__(self, config: BackboneConfig, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.config = config
        self.dropout = Dropout(dropout, name="dropout")
        self.scores = keras.layers.Dense(
            2,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="scores",
        )

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        self.scores.build((None, None, self.build_tokens()))

    def call(
        self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None = None
    ) -> Any:
        """Scores the positions.

        Args:
            outputs: the backbone's outputs, and the batch's "segment_ids" and "token_ids" (batch,
                length) int32.
            padding_mask: (batch, length) bool, True at tokens.
            training: whether dropout is active.

        Returns:
            (batch, length, 2) float32: as the start of the answer, and as its end.
        """
        second = ops.cast(outputs["segment_ids"], "bool") & padding_mask
        # The last position of the second text is its [SEP].
        following = ops.concatenate([second[:, 1:], ops.zeros_like(second[:, :1])], axis=1)
        passage = second & following
        first = padding_mask & ~second
        scores = self.scores(self.tokens(outputs, first, passage, training))
        is_cls = ops.arange(ops.shape(second)[1]) == 0
        return ops.where(ops.expand_dims(passage | is_cls, 2), scores, NO_SCORE)

    def build_tokens(self) -> int:
        """Creates the weights that `tokens` uses and returns the width of its output."""
        return self.config.d_model

    def tokens(
        self, outputs: Mapping[str, Any], question: Any, passage: Any, training: bool | None
    ) -> Any:
        """Computes one vector per position.

        Args:
            outputs: as in `call`.
            question: (batch, length) bool, True at [CLS], the question and its [SEP].
            passage: (batch, length) bool, True at the tokens of the passage.
            training: as in `call`.

        Returns:
            (batch, length, width).
        """
        return self.dropout(outputs["sequence_output"], training=training)
