"""The output folder of a run with several processes: the main process writes, the others read.

The folder must be on a file system that all processes share.
"""

from collections.abc import Mapping
from typing import Any, Self

import keras

from common.errors import TrainingError
from models.checkpoints.folder import Checkpoint, holds_checkpoint, read_checkpoint
from training.devices import distribution
from training.options.groups import RunOptions
from training.runs.run_folder import RunFolder
from training.runs.run_length import EPOCHS, has_other_length
from training.runs.run_record import RunRecord
from training.runs.tensorboard import NoCurves, TensorBoardWriter


def run_folder(options: RunOptions, option: str) -> RunFolder:
    """Creates the output folder of a run; enter it within `distributed`.

    All processes must call its methods in the same order, because some of them wait for the others.

    Args:
        options: the options of the run.
        option: the name of the option that gives the folder.
    """
    if distribution.processes() == 1:
        return RunFolder(options, option)
    return (MainProcessFolder if distribution.is_main_process() else WorkerFolder)(options, option)


class _SharedFolder(RunFolder):
    """The behaviour that all processes share."""

    def load_best(self, model: keras.Model) -> None:
        """See `RunFolder.load_best`."""
        distribution.barrier("best checkpoint written")
        super().load_best(model)
        distribution.barrier("best checkpoint read")


class MainProcessFolder(_SharedFolder):
    """The folder in the main process: does the work of `RunFolder` and notifies the others."""

    def __enter__(self) -> Self:
        super().__enter__()
        distribution.barrier("folder looked at")
        return self

    def begin(self, stage: str) -> Checkpoint | None:
        """See `RunFolder.begin`."""
        checkpoint = super().begin(stage)
        distribution.barrier("folder made ready")
        return checkpoint


class WorkerFolder(_SharedFolder):
    """The folder in every other process: it writes nothing."""

    def __enter__(self) -> Self:
        distribution.barrier("folder looked at")
        # The main process has checked the folder and reported any error.
        self._run = None if self._overwrite else RunRecord.read(self.folder)
        if self._run is not None and self._run.finished:
            same = not has_other_length(self._run.identity, getattr(self._options, EPOCHS))
            self.finished = same and holds_checkpoint(self.folder)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, stage: str) -> Checkpoint | None:
        """Waits for the main process and reads the checkpoint from which it resumes, if any."""
        distribution.barrier("folder made ready")
        if RunRecord.read(self.folder) is None:
            raise TrainingError(
                f"--{self._option}={self.folder}: process {distribution.process()} does not see "
                "the files that process 0 has written there. The folder must be on a file system "
                "that all hosts share."
            )
        last = self.folder / "last"
        # It is overwritten only after steps that all processes take together, so after all read it.
        return read_checkpoint(last) if holds_checkpoint(last) else None

    def curves(self, stage: str, options: Mapping[str, Any], done: int) -> TensorBoardWriter:
        """Creates a writer that discards the curves."""
        return NoCurves()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def publish(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def finish(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""
