"""From a backbone's output to a score for each label."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from common.errors import ConfigError
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.serializable import Serializable


class ClassificationHead(Serializable, keras.layers.Layer):
    """What a head is: a document vector of its own, then one dense layer.

    A head is a subclass, named in `models.registry.HEADS`.

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
