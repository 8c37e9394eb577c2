"""Callbacks of the training steps: progress, checkpoints, and stopping."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from common.progress import Progress
from training.devices.distribution import synchronize
from training.loop.interruption import Interruption
from training.loop.optimizer import last_learning_rate
from training.loop.training_state import TrainingState
from training.runs.tensorboard import TensorBoardWriter

_CURVE_POINTS = 20


class EpochCallback(keras.callbacks.Callback):
    """Reports the steps of an epoch to the run's `Progress`, and writes the training curves.

    Args:
        progress: that of the run, in steps.
        steps: the number of steps of this epoch.
        examples: the number of sequences of this epoch.
        writer: gets about twenty points of each training curve per epoch.
        steps_before: the number of steps of the previous epochs.
        first_step: the number of steps of this epoch that an earlier session of the run completed.
        curve: the value of `curve` at the end of that session.
        names: see `Stage.training_curves`.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        steps: int,
        examples: int,
        writer: TensorBoardWriter,
        steps_before: int = 0,
        first_step: int = 0,
        curve: Mapping[str, Any] | None = None,
        names: Callable[[Mapping[str, float]], dict[str, float]] = dict,
    ) -> None:
        super().__init__()
        self._progress = progress
        self._names = names
        self._steps = steps
        self._examples = examples
        self._writer = writer
        self._every = max(1, steps // _CURVE_POINTS)
        self._steps_before = steps_before
        self._first_step = first_step
        self._mean_before: dict[str, float] = dict((curve or {}).get("means", {}))
        self._step_before = int((curve or {}).get("step", 0))

    @property
    def curve(self) -> dict[str, Any]:
        """The state of the curves at their last point, needed to compute the next one."""
        return {"step": self._step_before, "means": self._mean_before}

    @property
    def examples_per_second(self) -> float | None:
        """The speed of the last half minute; None as long as it is unknown."""
        rate = self._progress.rate.per_second
        return None if rate is None else rate / self._steps * self._examples

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Reports step `batch` (from 0) of this session."""
        logs, done = logs or {}, self._first_step + batch + 1

        def text() -> str:
            shown = f"step {done:,}/{self._steps:,}  loss {float(logs['loss']):.4f}"
            speed = self.examples_per_second
            return shown if speed is None else f"{shown}  {speed:,.0f} examples/s"

        self._progress.advance(1, text)
        if done % self._every == 0 or done == self._steps:
            self._add_points(done, logs)

    def _add_points(self, done: int, logs: Mapping[str, Any]) -> None:
        # Keras reports means over the epoch so far; the curve shows means since its last point.
        means = {name: float(value) for name, value in logs.items()}
        between = done - self._step_before
        metrics = {
            name: (mean * done - self._mean_before.get(name, 0.0) * self._step_before) / between
            for name, mean in means.items()
        }
        synchronize(self.model)  # Which metrics have had targets is in the model's variables.
        metrics = self._names(metrics)
        metrics["learning_rate"] = last_learning_rate(self.model.optimizer)
        if self.examples_per_second is not None:
            metrics["examples_per_second"] = self.examples_per_second
        self._writer.write("train", self._steps_before + done, metrics)
        self._mean_before, self._step_before = means, done


class StepCallback(keras.callbacks.Callback):
    """Counts steps, saves checkpoints, and stops training on a request or a non-finite loss.

    Keras passes the metrics of every step to its callbacks, so checking each loss is free.

    Args:
        state: its counters are advanced.
        every: the number of steps between two checkpoints; 0 for none within an epoch.
        steps: the number of steps of this epoch.
        save: writes a checkpoint.
        interruption: is checked after every step.

    Attributes:
        loss: the non-finite loss that ended the epoch, or None.
    """

    def __init__(
        self,
        state: TrainingState,
        *,
        every: int,
        steps: int,
        save: Callable[[], None],
        interruption: Interruption,
    ) -> None:
        super().__init__()
        self._state = state
        self._every = every
        self._steps = steps
        self._save = save
        self._interruption = interruption
        self.loss: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Restores the epoch's metrics, which Keras has just reset."""
        if self._state.step_in_epoch:
            self._state.restore_metrics(self.model)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Checks the loss, saves if a checkpoint is due, and stops if this was requested."""
        self._state.step += 1
        self._state.step_in_epoch += 1
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            self.loss = loss
            self.model.stop_training = True
            return
        inside = self._state.step_in_epoch < self._steps
        due = self._every and self._state.step % self._every == 0 and inside
        requested = self._interruption.synchronize()
        if due or requested:
            self._save()
        if requested:
            self.model.stop_training = True
