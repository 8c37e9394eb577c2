"""The model of a classification task: the network and, beside it, a linear classifier."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from common.errors import ConfigError
from models.backbones.base import Backbone
from models.heads.bag_of_words import BagOfWords
from models.heads.base import ClassificationHead
from models.task_model import TaskModel

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

# With label frequencies closer to 0 or 1 than this, a bias would start where it hardly learns.
_MIN_FREQUENCY = 1e-6


class ClassificationModel(TaskModel):
    """Computes the logits of labels.

    Args:
        backbone: the backbone.
        head: gives (rows, num_labels) logits.
        task: gives the loss, and the bias of class priors.
        bag_of_words: a linear classifier over the texts' tokens that adds to the logits, or None.
            It is not used in training, so that the two make different errors.
    """

    task: Any

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: "Classification",
        bag_of_words: BagOfWords | None = None,
        name: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, head, task, name=name, **kwargs)
        self.bag_of_words = bag_of_words

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        super().build(input_shape)
        if self.bag_of_words is not None and not self.bag_of_words.built:
            self.bag_of_words.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Maps the backbone's inputs to (rows, num_labels) float32 logits."""
        logits = super().call(inputs, training=training)
        if self.bag_of_words is None or training:
            return logits
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        return self.bag_of_words(logits, inputs["token_ids"], padding_mask)

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
