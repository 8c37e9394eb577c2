"""The model that is exported: integers in, the task's outputs out."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.build import Array
from models.task_model import TaskModel


class ServingPart(keras.Model):
    """A model that is exported, or a part of one: from arrays that are not bool to named outputs.

    Args:
        model: a built model; its layers are shared.
    """

    def __init__(self, model: TaskModel, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.built = True

    @property
    def arrays(self) -> dict[str, Array]:
        """Its inputs by name, int32 or float32; masks are 1 at tokens and 0 at padding."""
        raise NotImplementedError


def as_integers(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays, but int32 where they are bool."""
    return {
        name: array._replace(dtype="int32" if array.dtype == "bool" else array.dtype)
        for name, array in arrays.items()
    }


class ServingModel(ServingPart):
    """Wraps a fine-tuned model for other runtimes; always in inference mode.

    No input is bool, because not every runtime supports that. The layers are shared with the
    fine-tuned model, not copied: quantizing one quantizes the other.

        ServingModel(model)(inputs)["probabilities"]  # of a classification, (rows, labels)

    Args:
        model: a built model.
    """

    def __init__(self, model: TaskModel, name: str = "serving", **kwargs: Any) -> None:
        super().__init__(model, name=name, **kwargs)

    @property
    def arrays(self) -> dict[str, Array]:
        """See `ServingPart.arrays`."""
        return as_integers(self.model.arrays)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Computes the outputs for a batch.

        Args:
            inputs: all of `arrays`; "padding_mask", if it is one, is 1 at tokens and 0 at padding.
            training: has no effect.

        Returns:
            The task's outputs by name, (rows, ...) each: see `tasks.base.Task.serving_outputs`.
        """
        inputs = dict(inputs)
        if "padding_mask" in inputs:
            inputs["padding_mask"] = ops.cast(inputs["padding_mask"], "bool")
        outputs = self.model(inputs, training=False)
        return self.model.task.serving_outputs(outputs)
