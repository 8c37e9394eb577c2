"""Callbacks of the training steps: progress, checkpoints, and stopping."""

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import keras

from common.duration import duration
from training.loop.interruption import Interruption
from training.loop.optimizer import last_learning_rate
from training.loop.training_state import TrainingState
from training.runs.tensorboard import TensorBoardWriter

logger = logging.getLogger(__name__)

_LINE_SECONDS = 0.5
_LOG_SECONDS = 30.0
_CURVE_POINTS = 20


class Progress(keras.callbacks.Callback):
    """Shows the progress and speed of an epoch and the time left; writes the training curves.

    On a terminal it overwrites a single line, elsewhere it logs a line every half minute.

    Args:
        epoch: the number of the epoch, from 1.
        num_epochs: the number of epochs of the run.
        steps: the number of steps of this epoch.
        examples: the number of sequences of this epoch.
        writer: gets about twenty points of each training curve per epoch.
        steps_before: the number of steps of the previous epochs.
        first_step: the number of steps of this epoch that an earlier session of the run completed.
        curve: the value of `curve` at the end of that session.
    """

    def __init__(
        self,
        *,
        epoch: int,
        num_epochs: int,
        steps: int,
        examples: int,
        writer: TensorBoardWriter,
        steps_before: int = 0,
        first_step: int = 0,
        curve: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._title = f"epoch {epoch}/{num_epochs}"
        self._steps = steps
        self._examples = examples
        self._writer = writer
        self._every = max(1, steps // _CURVE_POINTS)
        self._steps_before = steps_before
        self._first_step = first_step
        self._mean_before: dict[str, float] = dict((curve or {}).get("means", {}))
        self._step_before = int((curve or {}).get("step", 0))
        self._terminal = sys.stderr.isatty()
        self._began = self._shown = time.monotonic()
        self.examples_per_second = 0.0

    @property
    def curve(self) -> dict[str, Any]:
        """The state of the curves at their last point, needed to compute the next one."""
        return {"step": self._step_before, "means": self._mean_before}

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Shows the progress after step `batch` (from 0) of this session."""
        logs = logs or {}
        done, now = self._first_step + batch + 1, time.monotonic()
        seconds = now - self._began
        self.examples_per_second = (batch + 1) / self._steps * self._examples / max(seconds, 1e-9)
        if done % self._every == 0 or done == self._steps:
            self._add_points(done, logs)
        if now - self._shown < (_LINE_SECONDS if self._terminal else _LOG_SECONDS):
            return
        self._shown = now
        left = seconds / (batch + 1) * (self._steps - done)
        line = (
            f"{self._title}  step {done:,}/{self._steps:,}  loss {float(logs['loss']):.4f}  "
            f"{self.examples_per_second:,.0f} examples/s  {duration(left)} left"
        )
        if self._terminal:
            _show(f"\r{line}\033[K")
        else:
            logger.info("%s", line)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Clears the line on the terminal."""
        if self._terminal:
            _show("\r\033[K")

    def _add_points(self, done: int, logs: Mapping[str, Any]) -> None:
        # Keras reports means over the epoch so far; the curve shows means since its last point.
        means = {name: float(value) for name, value in logs.items()}
        between = done - self._step_before
        metrics = {
            name: (mean * done - self._mean_before.get(name, 0.0) * self._step_before) / between
            for name, mean in means.items()
        }
        metrics["learning_rate"] = last_learning_rate(self.model.optimizer)
        metrics["examples_per_second"] = self.examples_per_second
        self._writer.write("train", self._steps_before + done, metrics)
        self._mean_before, self._step_before = means, done


def _show(text: str) -> None:
    # The terminal may have been closed: training continues.
    with suppress(OSError):
        print(text, end="", file=sys.stderr, flush=True)


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
