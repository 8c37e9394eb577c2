"""A backbone with a classification head."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from common.errors import ConfigError
from models.backbone import Backbone
from models.bag_of_words import BagOfWords
from models.losses import weighted_mean
from models.serializable import Serializable
from models.tables import HEADS, TASKS

# Label shares nearer to 0 or 1 than this would start a bias where it can hardly learn.
_MIN_SHARE = 1e-6


class Task(Protocol):
    """What the labels of a document may be, and what follows for loss and probabilities."""

    @staticmethod
    def loss(targets: Any, logits: Any) -> Any:
        """The loss of each document, (batch,), from two arrays (batch, num_labels)."""

    @staticmethod
    def probabilities(logits: Any) -> Any:
        """(batch, num_labels), 0 to 1."""

    @staticmethod
    def bias(shares: np.ndarray) -> np.ndarray:
        """The logits whose probabilities are `shares`, (num_labels,)."""


class MultiLabel:
    """Any number of labels a document; each is a decision of its own."""

    @staticmethod
    def loss(targets: Any, logits: Any) -> Any:
        """Sigmoid cross-entropy, summed over the labels."""
        # softplus(z) - y z, written so that no exponential overflows.
        loss = ops.maximum(logits, 0.0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
        return ops.sum(loss, axis=-1)

    @staticmethod
    def probabilities(logits: Any) -> Any:
        """Sigmoid."""
        return ops.sigmoid(logits)

    @staticmethod
    def bias(shares: np.ndarray) -> np.ndarray:
        """Log-odds."""
        return np.log(shares) - np.log1p(-shares)


class MultiClass:
    """Exactly one label a document."""

    @staticmethod
    def loss(targets: Any, logits: Any) -> Any:
        """Softmax cross-entropy."""
        return ops.categorical_crossentropy(targets, logits, from_logits=True)

    @staticmethod
    def probabilities(logits: Any) -> Any:
        """Softmax."""
        return ops.softmax(logits, axis=-1)

    @staticmethod
    def bias(shares: np.ndarray) -> np.ndarray:
        """Logarithms."""
        return np.log(shares)


@keras.saving.register_keras_serializable(package="models")
class ClassificationModel(Serializable, keras.Model):
    """Labels of documents.

    `fit` and `evaluate` take (inputs, multi-hot targets) after `compile(optimizer=...)`; the
    metric "loss" is the mean loss a document.

    Args:
        backbone: the backbone.
        num_labels: number of labels.
        task: a key of `TASKS`.
        dropout: share of what the head reads that is dropped in training.
        head: a key of `models.tables.HEADS`.
        bag_of_words: whether a linear classifier over the documents' words (see `BagOfWords`) adds
            to the logits. Training does not see it: the two are to err elsewhere.

    Attributes:
        over_replicas: see `weighted_mean`; set by whoever runs several replicas of the model.
    """

    over_replicas: Callable[[Any], Any] | None = None

    def __init__(
        self,
        backbone: Backbone,
        num_labels: int,
        task: str = "multi_label",
        dropout: float = 0.1,
        head: str = "pooled",
        bag_of_words: bool = False,
        name: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if task not in TASKS:
            raise ConfigError(f"task must be one of {', '.join(TASKS)}, not {task!r}.")
        if head not in HEADS:
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, not {head!r}.")
        if isinstance(num_labels, bool) or not isinstance(num_labels, int) or num_labels < 1:
            raise ConfigError(f"num_labels must be a whole number above 0, not {num_labels!r}.")
        if not isinstance(bag_of_words, bool):
            raise ConfigError(f"bag_of_words must be true or false, not {bag_of_words!r}.")
        if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, not {dropout!r}.")
        self.backbone = backbone
        self.num_labels = num_labels
        self.task = task
        self.head_name = head
        self.head = HEADS[head](backbone.config, num_labels, dropout, name="head")
        self.bag_of_words = None
        if bag_of_words:
            self.bag_of_words = BagOfWords(
                backbone.config.vocab_size, num_labels, name="bag_of_words"
            )
        # What nothing reads gets no gradient, of which Keras would warn.
        backbone.pooling.trainable = self.head.reads_pooled_output
        self._loss_mean = keras.metrics.Mean("document_loss")

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight."""
        if not self.backbone.built:
            self.backbone.build()
        if not self.head.built:
            self.head.build()
        if self.bag_of_words is not None and not self.bag_of_words.built:
            self.bag_of_words.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """The backbone's inputs to (batch, num_labels) float32 logits."""
        outputs = self.encoded(inputs, training)
        outputs = {**outputs, "segment_ids": inputs["segment_ids"]}
        # As in the backbone: under a strategy the mask comes as 0 and 1.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        logits = self.head(outputs, padding_mask, training=training)
        if self.bag_of_words is None or training:
            return logits
        return self.bag_of_words(logits, inputs["token_ids"], padding_mask)

    def encoded(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The backbone's outputs that the head reads: see `Backbone.call`."""
        # Where the head reads no position, none is asked for.
        positions = None if self.head.reads_sequence_output else inputs["token_ids"][:, :0]
        return self.backbone(inputs, training=training, positions=positions)

    def probabilities(self, logits: Any) -> Any:
        """(batch, num_labels) logits to probabilities."""
        return TASKS[self.task].probabilities(logits)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean loss a document.

        Args:
            y: (batch, num_labels), 1 at the document's labels.
            y_pred: the logits.
            sample_weight: (batch,) float, 0 at a row that is no document; None: all are.
        """
        values = TASKS[self.task].loss(ops.cast(y, "float32"), y_pred)
        self._loss_mean.update_state(values, sample_weight)
        return weighted_mean(values, sample_weight, self.over_replicas)

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics; "loss" is the mean over all documents since the last reset.

        Keras' own mean of the batches' losses knows nothing of rows that are no documents.
        """
        results = super().get_metrics_result()
        loss = results.pop("document_loss")
        return {**results, "loss": loss}

    def set_class_priors(self, frequencies: Sequence[float] | np.ndarray) -> None:
        """Starts the head's bias where the probabilities are how frequent the labels are.

        Without it the first steps are spent on learning that most labels are rare.

        Args:
            frequencies: (num_labels,), the share of the training documents that has each label.

        Raises:
            ConfigError: not one share a label, or not between 0 and 1.
        """
        shares = np.asarray(frequencies, dtype=np.float64)
        if shares.shape != (self.num_labels,) or not ((shares >= 0) & (shares <= 1)).all():
            raise ConfigError(
                f"class priors must be {self.num_labels} shares between 0 and 1, one a label."
            )
        self.head.scores.bias.assign(
            TASKS[self.task].bias(np.clip(shares, _MIN_SHARE, 1 - _MIN_SHARE)).astype(np.float32)
        )
