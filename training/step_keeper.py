"""What happens between two steps: is the loss a number, is a checkpoint due, is it time to stop?"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from training.interruption import Interruption
from training.training_state import TrainingState


class StepKeeper(keras.callbacks.Callback):
    """Counts steps, saves every so many, and ends the epoch where it must not go on.

    Keras hands the figures of every step to callbacks, so looking at each costs nothing more.

    Args:
        state: is counted on.
        every: steps between two checkpoints; 0: none within an epoch.
        steps: of this epoch.
        save: writes a checkpoint.
        interruption: is asked after every step.

    Attributes:
        loss: the loss that is no finite number and ended the epoch, or None.
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
        """Sets the epoch's figures, which Keras has just reset, to where they were."""
        if self._state.step_in_epoch:
            self._state.give_figures(self.model)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Looks after a step."""
        self._state.step += 1
        self._state.step_in_epoch += 1
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            self.loss = loss
            self.model.stop_training = True
            return
        inside = self._state.step_in_epoch < self._steps
        due = self._every and self._state.step % self._every == 0 and inside
        asked = self._interruption.agree()
        if due or asked:
            self._save()
        if asked:
            self.model.stop_training = True
