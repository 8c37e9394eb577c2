"""How far a run is, to the step: what `training_state.json` holds.

Weights and the optimizer's state are files of their own beside it. Order of batches, pairs and
masks need no state: they are functions of the seed, the epoch and the step.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np

from common.errors import CheckpointError
from models.checkpoints.folder import TRAINING_STATE, Checkpoint


@dataclass
class TrainingState:
    """How far a run is.

    Attributes:
        stage: "pretraining" or "fine_tuning".
        epoch: epochs that are done, their validation included.
        step: steps of the whole run that are done.
        step_in_epoch: of these, steps of the epoch that is under way.
        ended: whether the last epoch is done, or training has ended early.
        best_score: the best validation's score; None before the first.
        without_gain: validations since the best one, or since another gain (see `Stage`).
        seconds: time that the steps of the epoch under way have taken.
        curve: the state of its training curves, see `Progress`.
        draws: the state of every random generator in the model, in the model's order.
        figures: the sums behind the epoch's training figures, in the model's order.
    """

    stage: str
    epoch: int = 0
    step: int = 0
    step_in_epoch: int = 0
    ended: bool = False
    best_score: float | None = None
    without_gain: int = 0
    seconds: float = 0.0
    curve: dict[str, Any] = field(default_factory=dict)
    draws: list[list[int]] = field(default_factory=list)
    figures: list[Any] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"format_version": 1, **asdict(self)}

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "TrainingState":
        """The state in a checkpoint.

        Raises:
            CheckpointError: it is not of this version.
        """
        content = checkpoint.json(TRAINING_STATE)
        version = content.pop("format_version", None)
        if version != 1 or content.keys() != cls.__dataclass_fields__.keys():
            raise CheckpointError(
                f"{checkpoint.path(TRAINING_STATE)}: written by another version of this program, "
                "which this one cannot go on from. Use --overwrite to start over."
            )
        return cls(**content)

    def take_draws(self, model: keras.Model) -> None:
        """Notes where the model's random generators are."""
        self.draws = [_array(variable).tolist() for variable in random_variables(model)]

    def take_figures(self, model: keras.Model) -> None:
        """Notes where the model's metrics are."""
        self.figures = [_array(variable).tolist() for variable in model.metrics_variables]

    def give_draws(self, model: keras.Model) -> None:
        """Sets the model's random generators to where they were."""
        _assign(random_variables(model), self.draws)

    def give_figures(self, model: keras.Model) -> None:
        """Sets the model's metrics to where they were."""
        _assign(model.metrics_variables, self.figures)


def random_variables(model: keras.Model) -> list[keras.Variable]:
    """The state of each of the model's `SeedGenerator`s (dropout), in a fixed order.

    Keras has them among `variables` but not among `weights`, and so writes them to no file.
    """
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def not_finite(model: keras.Model) -> list[str]:
    """The paths of weights that hold something that is no finite number."""
    return [variable.path for variable in model.weights if not np.isfinite(_array(variable)).all()]


def _array(variable: keras.Variable) -> np.ndarray:
    # Through a tensor: some of TensorFlow's variables over several devices are no arrays.
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))


def _assign(variables: Sequence[keras.Variable], values: Sequence[Any]) -> None:
    if [tuple(variable.shape) for variable in variables] != [np.shape(value) for value in values]:
        raise CheckpointError(f"{TRAINING_STATE}: of another model.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value, dtype=variable.dtype))
