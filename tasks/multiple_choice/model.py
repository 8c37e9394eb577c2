"""The model of multiple choice: a score for each row, calibrated."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from models.backbones.base import Backbone
from models.heads.base import ClassificationHead
from models.heads.logit_calibration import LogitCalibration
from models.layers.joined_rows import log_softmax_over_rows, max_over_rows
from models.task_model import TaskLoss, TaskModel

# Far below every score, and finite.
_NEVER = -1e9


class ChoiceModel(TaskModel):
    """Computes a score for each row, (rows, 1); in inference it is multiplied by a temperature.

    Args:
        backbone: the backbone.
        head: gives (rows, 1) scores.
        task: gives the loss.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: TaskLoss,
        name: str = "multiple_choice",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, head, task, name=name, **kwargs)
        # The weights file uses this attribute name.
        self.calibration = LogitCalibration(name="calibration")

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        super().build(input_shape)
        if not self.calibration.built:
            self.calibration.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes (rows, 1) float32 scores; see `TaskModel.call`."""
        scores = super().call(inputs, training=training)
        return scores if training else self.calibration(scores)


def choice_log_probabilities(scores: Any, example: Any, choice: Any) -> Any:
    """The log-probability of each choice: a softmax over the choices of each question.

    A choice of several rows has the highest of their scores.

    Args:
        scores: (rows,) float.
        example: (rows,) int, the question of each row.
        choice: (rows,) int, its choice; the rows of a choice are adjacent.

    Returns:
        (rows,), of which the first row of each choice has its log-probability.
    """
    changes = ops.logical_or(
        ops.not_equal(example[1:], example[:-1]), ops.not_equal(choice[1:], choice[:-1])
    )
    numbers = ops.pad(ops.cumsum(ops.cast(changes, "int32")), [[1, 0]])
    first = ops.pad(ops.cast(changes, "int32"), [[1, 0]], constant_values=1)
    joined = ops.where(first > 0, max_over_rows(scores, numbers), _NEVER)
    return log_softmax_over_rows(joined, example)
