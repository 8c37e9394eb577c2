"""How long the validations that are left, and the final test, will take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from training.loop.stage import Stage

# A training step computes the forward pass, and twice as much for the gradients (Kaplan et al.
# 2020, section 2.1): the estimate until a validation was timed.
_FORWARD_SHARE = 1 / 3


class RemainingEvaluations:
    """Estimates the seconds of the evaluations of a run that are yet to come.

        >>> stage = Stage(..., valid_batches=30, test_batches=60)
        >>> evaluations = RemainingEvaluations(stage, num_epochs=4, validate_every=2)
        >>> evaluations.seconds_left(epoch=0, step_seconds=0.3)  # 30 + 30 + 60 batches
        12.0

    Args:
        stage: says how many batches an evaluation has.
        num_epochs: of the run.
        validate_every: the number of epochs between two validations; the last epoch has one too.
    """

    def __init__(self, stage: Stage, num_epochs: int, validate_every: int) -> None:
        self._stage = stage
        self._num_epochs = num_epochs
        self._every = validate_every
        self._timed = 0
        self._seconds: float | None = None

    @contextmanager
    def timed(self) -> Iterator[None]:
        """A context for one validation, which measures it."""
        began = time.monotonic()
        yield
        self._timed += 1
        # The first one compiles, and may fit what is fitted once.
        if self._timed > 1:
            self._seconds = time.monotonic() - began

    def seconds_left(self, epoch: int, step_seconds: float) -> float:
        """The estimated seconds of all evaluations after `epoch` epochs.

        Args:
            epoch: the number of completed epochs, including their validation.
            step_seconds: of one training step.
        """
        last, every = self._num_epochs, self._every
        validations = last // every - epoch // every + (last % every != 0 and epoch < last)
        stage, per_batch = self._stage, step_seconds * _FORWARD_SHARE
        if self._seconds is not None and stage.valid_batches:
            per_batch = self._seconds / stage.valid_batches
        return per_batch * (validations * stage.valid_batches + stage.test_batches)
