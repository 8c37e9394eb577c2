"""From a backbone's output to a score for each label."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from keras import ops

from common.errors import ConfigError
from models.config import BackboneConfig
from models.dropout import Dropout
from models.max_over_time import dense_max_pool
from models.serializable import Serializable

UNITS_PER_DIM = 4


class ClassificationHead(Serializable, keras.layers.Layer):
    """What a head is: a document vector of its own, then one dense layer.

    A head is a subclass, named in `models.tables.HEADS`.

    Args:
        config: the backbone's configuration.
        num_labels: number of labels.
        dropout: share of what the head reads that is dropped in training.

    Attributes:
        for_pairs: whether it needs two texts, told apart by their segment ids.
        reads_pooled_output: whether the backbone's pooling has a part in it.
        reads_sequence_output: whether the encoder's output at each position has.
        starts_from: the pre-training objective whose head gives the first weights; None: random
            weights are the start.
    """

    starts_from: ClassVar[str | None] = None
    for_pairs: ClassVar[bool] = False
    reads_pooled_output: ClassVar[bool] = False
    reads_sequence_output: ClassVar[bool] = True

    def __init__(
        self, config: BackboneConfig, num_labels: int, dropout: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(num_labels, bool) or not isinstance(num_labels, int) or num_labels < 1:
            raise ConfigError(f"num_labels must be a whole number above 0, not {num_labels!r}.")
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.config = config
        self.num_labels = num_labels
        self.dropout = Dropout(dropout, name="dropout")
        self.scores = keras.layers.Dense(
            num_labels,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=config.initializer_range),
            dtype="float32",
            name="scores",
        )

    @classmethod
    def min_parameters(cls, config: BackboneConfig, num_labels: int) -> int:
        """The parameters of its large matrices; a file of its weights holds no fewer."""
        return config.d_model * num_labels

    def start_from(self, objective: keras.layers.Layer) -> None:
        """Takes over weights of the pre-trained head of the objective that `starts_from` names."""

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight."""
        self.scores.build((None, self.build_document()))

    def call(
        self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None = None
    ) -> Any:
        """Scores.

        Args:
            outputs: the backbone's, and the batch's "segment_ids" (batch, length).
            padding_mask: (batch, length) bool.

        Returns:
            (batch, num_labels) float32.
        """
        return self.scores(self.document(outputs, padding_mask, training))

    def build_document(self) -> int:
        """Makes the weights that `document` needs and gives the width of what it returns."""
        raise NotImplementedError

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, width): a vector a document."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="models")
class PooledHead(ClassificationHead):
    """The backbone's pooled output, as BERT has it (Devlin et al. 2019, section 4.1)."""

    reads_pooled_output: ClassVar[bool] = True
    reads_sequence_output: ClassVar[bool] = False

    def build_document(self) -> int:
        """There is nothing to make."""
        return self.config.d_model

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, d_model)."""
        return self.dropout(outputs["pooled_output"], training=training)


@keras.saving.register_keras_serializable(package="models")
class MaxPooledHead(ClassificationHead):
    """A new dense layer over the vector at each position, max-pooled over the document.

    The pooling of pre-training serves its objectives. The `4 d_model` units of this layer are new,
    and the maximum of each over the document tells whether what it looks for is there (Kim 2014,
    "max-over-time", over pre-trained vectors).

    A unit reads both the embedding of a token and the encoder's output at its position. The last
    layer of a language model mostly describes the context of the token, which it was trained to
    predict, while a label often depends on the word itself (Peters et al. 2018, section 5.1: all
    layers together do better than the last one, https://arxiv.org/abs/1802.05365).
    """

    @classmethod
    def min_parameters(cls, config: BackboneConfig, num_labels: int) -> int:
        """The kernels of both dense layers."""
        return UNITS_PER_DIM * config.d_model * (config.d_model + num_labels)

    def build_document(self) -> int:
        """Makes the dense layer, which keeps the name that it has in earlier checkpoints."""
        width = UNITS_PER_DIM * self.config.d_model
        self.detectors = keras.layers.Dense(width, dtype=self.dtype_policy, name="detectors")
        self.detectors.build((None, None, 2 * self.config.d_model))
        return width

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """(batch, 4 d_model)."""
        tokens = ops.concatenate([outputs["embedding_output"], outputs["sequence_output"]], axis=-1)
        tokens = self.dropout(tokens, training=training)
        # Padding is a second [CLS], which can change neither the highest nor the lowest.
        tokens = ops.where(ops.expand_dims(padding_mask, -1), tokens, tokens[:, :1])
        return dense_max_pool(tokens, self.detectors, training)
