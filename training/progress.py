"""What a person sees of a long epoch: how far, how fast, how long still."""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

import keras

from training.optimizer import last_learning_rate
from training.tensorboard import TensorBoardWriter

logger = logging.getLogger(__name__)

_LINE_SECONDS = 0.5
_LOG_SECONDS = 30.0
_CURVE_POINTS = 20


class Progress(keras.callbacks.Callback):
    """A line on a terminal (or a log line every half minute), and points of the train curves.

    Args:
        epoch: from 1, of `num_epochs`.
        num_epochs: epochs of the run.
        steps: steps of this epoch.
        examples: sequences of this epoch.
        writer: gets about twenty points of each train curve an epoch.
        steps_before: steps of the epochs before.
        first_step: steps of this epoch that were done in an earlier session of the run.
        curve: what `curve` was then.
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
        """The last point of the curves, from which the next one is reckoned."""
        return {"step": self._step_before, "means": self._mean_before}

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Shows the state after step `batch` (from 0) of this session."""
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
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        else:
            logger.info("%s", line)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Clears the terminal's line."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _add_points(self, done: int, logs: Mapping[str, Any]) -> None:
        # Keras gives means since the epoch began; the curve shows the mean since the last point.
        means = {name: float(value) for name, value in logs.items()}
        between = done - self._step_before
        figures = {
            name: (mean * done - self._mean_before.get(name, 0.0) * self._step_before) / between
            for name, mean in means.items()
        }
        figures["learning_rate"] = last_learning_rate(self.model.optimizer)
        figures["examples_per_second"] = self.examples_per_second
        self._writer.write("train", self._steps_before + done, figures)
        self._mean_before, self._step_before = means, done


def duration(seconds: float) -> str:
    """Seconds as people say them: "45s", "3m10s", "2h05m"."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"
