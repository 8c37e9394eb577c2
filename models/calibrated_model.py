"""A task model whose outputs are mapped by two numbers that no gradient trains."""

from collections.abc import Mapping
from typing import Any

from models.backbones.base import Backbone
from models.heads.base import ClassificationHead
from models.heads.logit_calibration import LogitCalibration
from models.task_model import TaskLoss, TaskModel


class CalibratedModel(TaskModel):
    """Computes `scale * output + bias` in inference, and the head's outputs alone in training.

    The two numbers make probabilities right as often as they say, or give a value its unit: the
    head's initial weights suit outputs of mean 0 and variance 1.

        model = build(CalibratedModel(make_backbone(config), head, task))
        model.calibration.calibrate(scale=2.0, bias=0.0)

    Args:
        backbone: the backbone.
        head: gives (rows, count) outputs.
        task: gives the loss.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: TaskLoss,
        name: str = "calibrated_model",
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
        """Computes (rows, count) float32 outputs; see `TaskModel.call`."""
        outputs = super().call(inputs, training=training)
        return outputs if training else self.calibration(self.combined(outputs, inputs))

    def combined(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """What is calibrated: the head's outputs, to which a subclass may add something."""
        return outputs
