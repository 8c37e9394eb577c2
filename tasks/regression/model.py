"""The model of regression: a standardized value in training, the value itself in inference."""

from collections.abc import Mapping
from typing import Any

from models.backbones.base import Backbone
from models.heads.base import ClassificationHead
from models.heads.logit_calibration import LogitCalibration
from models.task_model import TaskLoss, TaskModel


class RegressionModel(TaskModel):
    """Computes a value for each row, (rows, 1) float32.

    In training it is the standardized value, of mean 0 and variance 1 over the training examples,
    which the head's initial weights suit whatever the unit is.

    Args:
        backbone: the backbone.
        head: gives (rows, 1) standardized values.
        task: gives the loss.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: TaskLoss,
        name: str = "regression",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, head, task, name=name, **kwargs)
        # The weights file uses this attribute name.
        self.unit = LogitCalibration(name="unit")

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        super().build(input_shape)
        if not self.unit.built:
            self.unit.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes the values; see `TaskModel.call`."""
        values = super().call(inputs, training=training)
        return values if training else self.unit(values)
