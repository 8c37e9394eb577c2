"""The part of a task that says what an exported model consists of."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class Exported:
    """What makes an exported model, and runs one: see `tasks.base.Task`."""

    def texts(self) -> dict[str, str]:
        """See `tasks.base.Task.texts`."""
        raise NotImplementedError

    def check_export(self) -> None:
        """Checks that one forward pass of the model gives what results are made of.

        Raises:
            OptionError: it does not, so that an exported model would be of no use.
        """

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
