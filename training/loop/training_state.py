"""How far a run is, to the step: what `training_state.json` holds.

Weights and the optimizer's state are files of their own beside it. Order of batches, pairs and
masks need no state: they are functions of the seed, the epoch and the step.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np

from common.errors import CheckpointError
from models.checkpoints.folder import TRAINING_STATE, Checkpoint

FORMAT_VERSION = 2


@dataclass
class TrainingState:
    """How far a run is.

    Attributes:
        stage: the name of its `Stage`.
        epoch: epochs that are done, their validation included.
        step: steps of the whole run that are done.
        step_in_epoch: of these, steps of the epoch that is under way.
        ended: whether the last epoch is done, or training has ended early.
        best_score: the best validation's score; None before the first.
        validations_without_improvement: since the best one, or since another improvement (see
            `Stage`).
        seconds: time that the steps of the epoch under way have taken.
        curve: the state of its training curves, see `Progress`.
        rng: the state of every random generator in the model, in the model's order.
        metrics: the sums behind the epoch's training metrics, in the model's order.
    """

    stage: str
    epoch: int = 0
    step: int = 0
    step_in_epoch: int = 0
    ended: bool = False
    best_score: float | None = None
    validations_without_improvement: int = 0
    seconds: float = 0.0
    curve: dict[str, Any] = field(default_factory=dict)
    rng: list[list[int]] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"format_version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "TrainingState":
        """The state in a checkpoint.

        Raises:
            CheckpointError: it is not of this version.
        """
        content = checkpoint.json(TRAINING_STATE)
        version = content.pop("format_version", None)
        if version != FORMAT_VERSION or content.keys() != cls.__dataclass_fields__.keys():
            raise CheckpointError(
                f"{checkpoint.path(TRAINING_STATE)}: written by another version of this program, "
                "whose runs this one cannot resume. Use --overwrite to start over."
            )
        return cls(**content)

    def count_validation(self, score: float, improved: Callable[[], bool]) -> bool:
        """Takes note of a validation's score (higher is better).

        Args:
            score: of the validation.
            improved: see `Stage`; asked only where the score is no better.

        Returns:
            Whether it is the best so far.
        """
        best = self.best_score is None or score > self.best_score
        if best or improved():
            self.validations_without_improvement = 0
        else:
            self.validations_without_improvement += 1
        if best:
            self.best_score = score
        return best

    def end_epoch(self, *, ended: bool) -> None:
        """Moves on to the next epoch, or to the end of the run."""
        self.epoch, self.step_in_epoch, self.seconds = self.epoch + 1, 0, 0.0
        self.curve, self.metrics, self.ended = {}, [], ended

    def capture_rng(self, model: keras.Model) -> None:
        """Keeps the state of the model's random generators."""
        self.rng = [_array(variable).tolist() for variable in random_variables(model)]

    def capture_metrics(self, model: keras.Model) -> None:
        """Keeps the state of the model's metrics."""
        self.metrics = [_array(variable).tolist() for variable in model.metrics_variables]

    def restore_rng(self, model: keras.Model) -> None:
        """Gives the model's random generators the state that was kept."""
        _assign(random_variables(model), self.rng)

    def restore_metrics(self, model: keras.Model) -> None:
        """Gives the model's metrics the state that was kept."""
        _assign(model.metrics_variables, self.metrics)


def random_variables(model: keras.Model) -> list[keras.Variable]:
    """The state of each of the model's `SeedGenerator`s (dropout), in a fixed order.

    Keras has them among `variables` but not among `weights`, and so writes them to no file.
    """
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def not_finite(model: keras.Model) -> list[str]:
    """The paths of weights that hold something other than finite numbers."""
    return [variable.path for variable in model.weights if not np.isfinite(_array(variable)).all()]


def _array(variable: keras.Variable) -> np.ndarray:
    # Through a tensor: some of TensorFlow's variables over several devices are no arrays.
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))


def _assign(variables: Sequence[keras.Variable], values: Sequence[Any]) -> None:
    if [tuple(variable.shape) for variable in variables] != [np.shape(value) for value in values]:
        raise CheckpointError(f"{TRAINING_STATE}: of another model.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value, dtype=variable.dtype))
