"""The part of a task that says what an exported model consists of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.evaluation import Outputs

if TYPE_CHECKING:
    from models.serving_model import ServingPart
    from models.task_model import TaskModel


class Exported:
    """What makes an exported model, and runs one: see `tasks.base.Task`."""

    def texts(self) -> dict[str, str]:
        """See `tasks.base.Task.texts`."""
        raise NotImplementedError

    def serving_parts(self, model: "TaskModel") -> "dict[str, ServingPart]":
        """The models that an export consists of, by name; each is a file of it.

        By default there is one, "model": the forward pass, with the outputs of `serving_outputs`.

        Args:
            model: of this task; its layers are shared.
        """
        from models.serving_model import ServingModel

        return {"model": ServingModel(model)}

    def exported_outputs(self, parts: Mapping[str, Outputs]) -> Outputs:
        """The function from the inputs of a batch to the outputs that `results` reads.

        Args:
            parts: what runs each of the `serving_parts`, by name, from NumPy arrays to NumPy
                arrays.
        """
        return lambda inputs: self.served_outputs(parts["model"](inputs))

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The outputs of an exported model by name, (rows, ...) each, in Keras' operations."""
        return {"logits": outputs}

    def served_outputs(self, found: Mapping[str, np.ndarray]) -> Any:
        """The model's outputs from those of an exported model: undoes `serving_outputs`."""
        return next(iter(found.values()))

    def serving_files(self) -> dict[str, str]:
        """Text files for an exported model that explain its outputs, by name."""
        return self.texts()

    def serving_decision(self) -> dict[str, Any]:
        """What else decides on the outputs of an exported model, for its `model.json`."""
        return {}
