"""The progress of a run, to the step, as stored in `training_state.json`.

Weights and optimizer state are in separate files. The order of batches, the pairs and the masks
need no state: they are functions of the seed, the epoch and the step.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np

from common.errors import CheckpointError
from models.checkpoints.folder import TRAINING_STATE, Checkpoint

FORMAT_VERSION = 2


_COUNTS = ("epoch", "step", "step_in_epoch", "validations_without_improvement")
_KINDS: dict[str, tuple[type, ...]] = {
    "stage": (str,),
    **dict.fromkeys(_COUNTS, (int,)),
    "ended": (bool,),
    "best_score": (float, int, type(None)),
    "seconds": (float, int),
    "curve": (dict,),
    "rng": (list,),
    "metrics": (list,),
}


@dataclass
class TrainingState:
    """The progress of a run.

        >>> state = TrainingState("pretraining")
        >>> state.count_validation(0.5, improved=lambda: False), state.best_score
        (True, 0.5)

    Attributes:
        stage: the name of its `Stage`.
        epoch: the number of completed epochs, including their validation.
        step: the number of completed steps of the whole run.
        step_in_epoch: the number of completed steps of the current epoch.
        ended: whether training has ended, after the last epoch or early.
        best_score: the highest score of a validation; None before the first one.
        validations_without_improvement: the number of validations since the last improvement of the
            score or of a part of the model (see `Stage.improved`).
        seconds: the time that the steps of the current epoch have taken.
        curve: the state of the training curves, see `EpochCallback`.
        rng: the state of each random generator of the model, in the model's order.
        metrics: the state of each metric of the model, in the model's order.
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
        """Returns the content of `training_state.json`."""
        return {"format_version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "TrainingState":
        """Reads the state from a checkpoint.

        Raises:
            CheckpointError: it was written by another version.
        """
        content = checkpoint.json(TRAINING_STATE)
        version = content.pop("format_version", None)
        if version != FORMAT_VERSION or content.keys() != cls.__dataclass_fields__.keys():
            raise CheckpointError(
                f"{checkpoint.path(TRAINING_STATE)}: written by another version of this program, "
                "whose runs this one cannot resume. Use --overwrite to start over."
            )
        wrong = [name for name, kinds in _KINDS.items() if type(content[name]) not in kinds]
        wrong += [name for name in _COUNTS if name not in wrong and content[name] < 0]
        if "best_score" not in wrong and not math.isfinite(content["best_score"] or 0):
            wrong.append("best_score")
        if "curve" not in wrong and not _is_curve(content["curve"]):
            wrong.append("curve")
        if wrong:
            raise _forged(checkpoint, wrong)
        return cls(**content)

    def check(self, checkpoint: Checkpoint, epochs: int, steps: Callable[[int], int]) -> None:
        """Checks that a run of so many epochs can have reached this state.

        Args:
            checkpoint: from which it was read.
            epochs: of the run.
            steps: returns the number of steps of an epoch (from 0).

        Raises:
            CheckpointError: it cannot.
        """
        if self.epoch + (not self.ended) > epochs:
            raise _forged(checkpoint, ["epoch"])
        if self.step_in_epoch > (0 if self.ended else steps(self.epoch)):
            raise _forged(checkpoint, ["step_in_epoch"])

    def count_validation(
        self, score: float, improved: Callable[[], bool], near_tie: float = 0.0
    ) -> bool:
        """Records the score of a validation.

        Args:
            score: the score; higher is better.
            improved: see `Stage.improved`; called only if the score is not the best so far.
            near_tie: see `Stage.near_tie`.

        Returns:
            Whether the model is the best so far.
        """
        highest = self.best_score
        if highest is None or score > highest:
            self.best_score = score
        elif not improved():
            self.validations_without_improvement += 1
            return False
        self.validations_without_improvement = 0
        # The highest score stays the measure, so that near ties do not add up to a descent.
        return highest is None or score > highest or (near_tie > 0 and score >= highest - near_tie)

    def end_epoch(self, *, ended: bool) -> None:
        """Moves on to the next epoch, or to the end of the run."""
        self.epoch, self.step_in_epoch, self.seconds = self.epoch + 1, 0, 0.0
        self.curve, self.metrics, self.ended = {}, [], ended

    def resume_end(self) -> None:
        """Withdraws the end of the training, and starts to count validations anew."""
        if self.ended:
            self.ended, self.validations_without_improvement = False, 0

    def capture_rng(self, model: keras.Model) -> None:
        """Stores the state of the model's random generators."""
        self.rng = [_array(variable).tolist() for variable in random_variables(model)]

    def capture_metrics(self, model: keras.Model) -> None:
        """Stores the state of the model's metrics."""
        self.metrics = [_array(variable).tolist() for variable in model.metrics_variables]

    def restore_rng(self, model: keras.Model) -> None:
        """Restores the stored state of the model's random generators."""
        _assign(random_variables(model), self.rng)

    def restore_metrics(self, model: keras.Model) -> None:
        """Restores the stored state of the model's metrics."""
        _assign(model.metrics_variables, self.metrics)


def random_variables(model: keras.Model) -> list[keras.Variable]:
    """The state of each `SeedGenerator` of the model (such as dropout's), in a fixed order.

    Keras lists them among `variables` but not among `weights`, so it does not save them.
    """
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _is_curve(curve: dict[str, Any]) -> bool:
    means = curve.get("means", {})
    numbers = [curve.get("step", 0), *(means.values() if isinstance(means, dict) else [None])]
    return all(type(each) in (int, float) and math.isfinite(each) for each in numbers)


def _forged(checkpoint: Checkpoint, names: Sequence[str]) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path(TRAINING_STATE)}: {', '.join(names)} cannot be what it is there; was "
        "the file edited by hand? Use --overwrite to start over."
    )


def not_finite(model: keras.Model) -> list[str]:
    """The paths of the weights that contain NaN or infinity."""
    return [variable.path for variable in model.weights if not np.isfinite(_array(variable)).all()]


def _array(variable: keras.Variable) -> np.ndarray:
    # Via a tensor: some of TensorFlow's distributed variables cannot be converted directly.
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))


def _assign(variables: Sequence[keras.Variable], values: Sequence[Any]) -> None:
    try:
        shapes = [np.shape(value) for value in values]
        numbers = all(np.asarray(value).dtype.kind in "iuf" for value in values)
    except ValueError:  # Rows of different lengths.
        shapes, numbers = [], False
    if not numbers or [tuple(variable.shape) for variable in variables] != shapes:
        raise CheckpointError(f"{TRAINING_STATE}: this is the state of another model.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value, dtype=variable.dtype))
