"""The model that is exported: integers in, the task's outputs out."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.task_model import TaskModel

INPUTS = ("token_ids", "segment_ids", "padding_mask")


class ServingModel(keras.Model):
    """Wraps a fine-tuned model for other runtimes; always in inference mode.

    All inputs are int32, because not every runtime supports bool. The layers are shared with the
    fine-tuned model, not copied: quantizing one quantizes the other.

        ServingModel(model)(inputs)["probabilities"]  # of a classification, (rows, labels)

    Args:
        model: a built model.
    """

    def __init__(self, model: TaskModel, name: str = "serving", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.model = model
        self.built = True

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Computes the outputs for a batch.

        Args:
            inputs: "token_ids", "segment_ids" and "padding_mask" (1 at tokens, 0 at padding),
                each (rows, length) int32.
            training: has no effect.

        Returns:
            The task's outputs by name, (rows, ...) each: see `tasks.base.Task.serving_outputs`.
        """
        mask = ops.cast(inputs["padding_mask"], "bool")
        outputs = self.model({**inputs, "padding_mask": mask}, training=False)
        return self.model.task.serving_outputs(outputs)
