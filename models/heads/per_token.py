"""A head that scores the tags of every token."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from common.errors import ConfigError
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.layers.linear_chain_crf import LinearChainCRF
from models.layers.ngram_scores import NgramScores
from models.serializable import Serializable

# Vectors of n-grams that few texts have are learned by heart sooner than what a network sees.
NGRAM_DROPOUT = 0.4


@keras.saving.register_keras_serializable(package="models")
class PerTokenHead(Serializable, keras.layers.Layer):
    """A dense layer over the encoder's output at each position, as in BERT.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = PerTokenHead(config, num_tags=5, dropout=0.1)

    Args:
        config: the backbone's configuration.
        num_tags: the number of tags, T.
        dropout: the dropout rate of the head's input; that of n-grams is at least `NGRAM_DROPOUT`,
            except that 0 is 0 for both.
        crf: whether it also learns how well a tag follows another one.
        ngrams: whether it adds the scores of the n-grams around each position: see `NgramScores`.

    Raises:
        ConfigError: `num_tags` or `dropout` is invalid.

    References:
        Devlin et al. 2019, section 5.3 (https://arxiv.org/abs/1810.04805).
    """

    starts_from: ClassVar[str | None] = None
    takes_over: ClassVar[str | None] = None
    reads_pooled_output: ClassVar[bool] = False
    reads_sequence_output: ClassVar[bool] = True

    def __init__(
        self,
        config: BackboneConfig,
        num_tags: int,
        dropout: float,
        crf: bool = False,
        ngrams: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(num_tags, bool) or not isinstance(num_tags, int) or num_tags < 1:
            raise ConfigError(f"num_tags must be a whole number above 0, not {num_tags!r}.")
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.config = config
        self.num_tags = num_tags
        self.dropout = Dropout(dropout, name="dropout")
        self.scores = keras.layers.Dense(
            num_tags,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="scores",
        )
        self.crf = LinearChainCRF(num_tags, name="crf") if crf else None
        self.ngrams: NgramScores | None = None
        if ngrams:
            rate = max(dropout, NGRAM_DROPOUT) if dropout else 0.0
            self.ngrams = NgramScores(num_tags, config.vocab_size, rate, name="ngrams")

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        self.scores.build((None, None, self.config.d_model))
        for layer in (self.crf, self.ngrams):
            if layer is not None:
                layer.build()

    def call(
        self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None = None
    ) -> Any:
        """Scores the tags.

        Args:
            outputs: the backbone's outputs, and its input "token_ids".
            padding_mask: (batch, length) bool, True at tokens.
            training: whether dropout is active.

        Returns:
            (batch, length, T) float32; with a CRF a dict of these "logits" and of "transitions",
            (batch, T + 2, T), see `LinearChainCRF.call`.
        """
        sequence = self.dropout(outputs["sequence_output"], training=training)
        logits = self.scores(sequence)
        if self.ngrams is not None:
            logits += self.ngrams(outputs["token_ids"], padding_mask, training=training)
        if self.crf is None:
            return logits
        return {"logits": logits, "transitions": self.crf(logits)}
