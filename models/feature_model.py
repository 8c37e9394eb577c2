"""A model that computes what is read of a frozen backbone."""

from collections.abc import Mapping
from typing import Any

import keras

from models.task_model import TaskModel


class FeatureModel(keras.Model):
    """Returns `TaskModel.features` of a model, with which it shares all weights.

        FeatureModel(model)(inputs)["feature/sequence_output"]  # (rows, length, d_model)

    Args:
        model: a built model.
    """

    def __init__(self, model: TaskModel, name: str = "feature_model", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.model = model
        self.built = True

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Computes the features of a batch.

        Args:
            inputs: the backbone's inputs, see `Backbone.call`.
            training: has no effect.
        """
        return self.model.features(inputs)
