"""The model of a classification task: the network and, beside it, a linear classifier."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from common.errors import ConfigError
from models.backbones.base import Backbone
from models.build import INPUTS, Array
from models.heads.bag_of_words import BagOfWords
from models.heads.base import ClassificationHead
from models.heads.logit_calibration import LogitCalibration
from models.heads.ngram_classifier import NgramClassifier
from models.task_model import TaskModel

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

# With label frequencies closer to 0 or 1 than this, a bias would start where it hardly learns.
_MIN_FREQUENCY = 1e-6
NGRAM_INPUTS = {
    "ngram_ids": Array(("batch", "entries"), "int32"),
    "ngram_values": Array(("batch", "entries"), "float32"),
}


class ClassificationModel(TaskModel):
    """Computes the logits of labels.

    Args:
        backbone: the backbone.
        head: gives (rows, num_labels) logits.
        task: gives the loss, and the bias of class priors.
        linear: a linear classifier that adds to the logits, or None. It is not used in training,
            so that the two make different errors. A `BagOfWords`, which reads the network's tokens,
            is that of an earlier version's checkpoint.
        calibrated: whether a layer calibrates the network's logits. An n-gram classifier has such
            numbers already, and checkpoints of earlier versions have none.
    """

    task: Any

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: "Classification",
        linear: NgramClassifier | BagOfWords | None = None,
        calibrated: bool = False,
        name: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, head, task, name=name, **kwargs)
        # The weights file uses these attribute names.
        self.bag_of_words = linear if isinstance(linear, BagOfWords) else None
        self.ngram_classifier = linear if isinstance(linear, NgramClassifier) else None
        self.calibration = LogitCalibration(name="calibration") if calibrated else None
        self._network_counts = True

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of a batch that it reads, by name."""
        if self.ngram_classifier is None:
            return dict(INPUTS)
        return {**INPUTS, **NGRAM_INPUTS} if self._network_counts else dict(NGRAM_INPUTS)

    @property
    def num_features(self) -> int:
        """The number of features of the n-gram classifier, 0 without one."""
        return 0 if self.ngram_classifier is None else self.ngram_classifier.num_features

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        super().build(input_shape)
        for layer in (self.bag_of_words, self.ngram_classifier, self.calibration):
            if layer is not None and not layer.built:
                layer.build()

    def leave_out_unused(self) -> None:
        """Leaves out the network if the n-gram classifier gives its logits a weight of 0."""
        layer = self.ngram_classifier
        self._network_counts = layer is None or bool(ops.convert_to_numpy(layer.network_weight))

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes (rows, num_labels) float32 logits.

        Args:
            inputs: `arrays`: the backbone's, and with an n-gram classifier "ngram_ids" (rows,
                entries) int32 and "ngram_values" (rows, entries) float32, which training does not
                need.
            training: whether dropout is active.
        """
        if training or self._network_counts:
            logits = super().call(inputs, training=training)
        else:
            logits = ops.zeros((1, self.head.num_labels))
        if training:
            return logits
        if self.ngram_classifier is not None:
            return self.ngram_classifier(logits, inputs["ngram_ids"], inputs["ngram_values"])
        if self.bag_of_words is not None:
            padding_mask = ops.cast(inputs["padding_mask"], "bool")
            return self.bag_of_words(logits, inputs["token_ids"], padding_mask)
        if self.calibration is not None:
            return self.calibration(logits)
        return logits

    def leave_to_network(self) -> None:
        """Makes the logits those of the network alone, as in training."""
        self._network_counts = True
        if self.ngram_classifier is not None:
            self.ngram_classifier.mix(1.0, 0.0, 0.0)
        if self.calibration is not None:
            self.calibration.calibrate(1.0, 0.0)

    def calibrate(self, scale: float, bias: float) -> None:
        """Replaces the logits by `scale * logits + bias`, except in training.

        Raises:
            ConfigError: the model has no layer that could do this.
        """
        layer = self.ngram_classifier if self.calibration is None else self.calibration
        if layer is None:
            raise ConfigError("a model of an earlier version cannot be calibrated.")
        layer.calibrate(scale, bias)

    def set_class_priors(self, frequencies: Sequence[float] | np.ndarray) -> None:
        """Sets the head's bias so that the probabilities start as the labels' frequencies.

        Otherwise the first steps are spent on learning that most labels are rare.

        Args:
            frequencies: (num_labels,), the fraction of the training examples with each label.

        Raises:
            ConfigError: there is not one fraction per label, or one is not between 0 and 1.
        """
        labels = self.head.num_labels
        shares = np.asarray(frequencies, dtype=np.float64)
        if shares.shape != (labels,) or not ((shares >= 0) & (shares <= 1)).all():
            raise ConfigError(
                f"class priors must be {labels} fractions between 0 and 1, one for each label."
            )
        shares = np.clip(shares, _MIN_FREQUENCY, 1 - _MIN_FREQUENCY)
        self.head.scores.bias.assign(self.task.bias(shares).astype(np.float32))
