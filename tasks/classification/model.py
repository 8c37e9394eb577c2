"""The model of a classification task: a `TaskModel` with a linear classifier beside the network."""

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

# Label frequencies nearer to 0 or 1 than this would start a bias where it can hardly learn.
_MIN_FREQUENCY = 1e-6


class ClassificationModel(TaskModel):
    """Logits of labels.

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
        """Makes every weight."""
        super().build(input_shape)
        if self.bag_of_words is not None and not self.bag_of_words.built:
            self.bag_of_words.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """The backbone's inputs to (rows, num_labels) float32 logits."""
        logits = super().call(inputs, training=training)
        if self.bag_of_words is None or training:
            return logits
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        return self.bag_of_words(logits, inputs["token_ids"], padding_mask)

    def set_class_priors(self, frequencies: Sequence[float] | np.ndarray) -> None:
        """Starts the head's bias where the probabilities are how frequent the labels are.

        Without it the first steps are spent on learning that most labels are rare.

        Args:
            frequencies: (num_labels,), which fraction of the training examples has each label.

        Raises:
            ConfigError: not one fraction for each label, or not between 0 and 1.
        """
        labels = self.head.num_labels
        shares = np.asarray(frequencies, dtype=np.float64)
        if shares.shape != (labels,) or not ((shares >= 0) & (shares <= 1)).all():
            raise ConfigError(
                f"class priors must be {labels} fractions between 0 and 1, one for each label."
            )
        shares = np.clip(shares, _MIN_FREQUENCY, 1 - _MIN_FREQUENCY)
        self.head.scores.bias.assign(self.task.bias(shares).astype(np.float32))
