"""What an exported model is: integers in, the task's outputs out."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.task_model import TaskModel

INPUTS = ("token_ids", "segment_ids", "padding_mask")


class ServingModel(keras.Model):
    """A fine-tuned model as other runtimes see it, always in inference mode.

    Its inputs are all int32, because not every runtime takes bool. The layers within are the
    fine-tuned model's own, not copies: to quantize this model is to quantize that one.

    Args:
        model: a built model.
    """

    def __init__(self, model: TaskModel, name: str = "serving", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.model = model
        self.built = True

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The outputs for a batch.

        Args:
            inputs: "token_ids", "segment_ids" and "padding_mask" (1 at tokens, 0 at padding),
                each (rows, length) int32.
            training: has no effect.

        Returns:
            By name what the task gives, see `tasks.base.Task.serving_outputs`, (rows, ...) each.
        """
        mask = ops.cast(inputs["padding_mask"], "bool")
        outputs = self.model({**inputs, "padding_mask": mask}, training=False)
        return self.model.task.serving_outputs(outputs)
