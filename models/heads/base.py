"""The contract of a classification head: from a backbone's outputs to one score per label."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from common.errors import ConfigError
from models.config import BackboneConfig
from models.kernels.dropout import Dropout
from models.serializable import Serializable


class ClassificationHead(Serializable, keras.layers.Layer):
    """Computes one vector per document, then scores the labels with a dense layer.

    A head is a subclass that implements `build_document` and `document`, and is registered in
    `models.registry.HEADS`.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = HEADS["pooled"](config, num_labels=3, dropout=0.1)

    Args:
        config: the backbone's configuration.
        num_labels: the number of labels.
        dropout: the dropout rate of the head's input.

    Attributes:
        for_pairs: whether it requires two texts, distinguished by their segment ids.
        reads_pooled_output: whether it reads the backbone's pooled output.
        reads_sequence_output: whether it reads the encoder's output at each position.
        starts_from: the pre-training objective whose head provides the initial weights; None for
            random weights.
        takes_over: the pre-training objective whose own head, its attribute `head`, has the same
            layers and provides the initial weights if the checkpoint was pre-trained with it.

    Raises:
        ConfigError: `num_labels` or `dropout` is invalid.
    """

    starts_from: ClassVar[str | None] = None
    takes_over: ClassVar[str | None] = None
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
        """A lower bound on its parameters, computed from its large matrices."""
        return config.d_model * num_labels

    def start_from(self, objective: keras.layers.Layer) -> None:
        """Copies weights from the pre-trained head of the objective `starts_from`."""

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        self.scores.build((None, self.build_document()))

    def call(
        self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None = None
    ) -> Any:
        """Scores the labels.

        Args:
            outputs: the backbone's outputs, and the batch's "segment_ids" (batch, length) int32.
            padding_mask: (batch, length) bool, True at tokens.
            training: whether dropout is active.

        Returns:
            (batch, num_labels) float32.
        """
        return self.scores(self.document(outputs, padding_mask, training))

    def build_document(self) -> int:
        """Creates the weights that `document` uses and returns the width of its output."""
        raise NotImplementedError

    def document(self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None) -> Any:
        """Computes one vector per document.

        Args:
            outputs: as in `call`.
            padding_mask: as in `call`.
            training: as in `call`.

        Returns:
            (batch, width).
        """
        raise NotImplementedError
