"""A run's folder for several processes: the first one writes, the others read what it wrote.

The folder has to be on a file system that all of them see.
"""

from collections.abc import Mapping
from typing import Any, Self

import keras

from common.errors import TrainingError
from models.checkpoints.folder import Checkpoint, holds_checkpoint, read_checkpoint
from training.devices import distribution
from training.options.groups import RunOptions
from training.runs.run_folder import RunFolder
from training.runs.run_record import RunRecord
from training.runs.tensorboard import NoCurves, TensorBoardWriter


def run_folder(options: RunOptions, option: str) -> RunFolder:
    """The folder that an option names, to be entered within `distributed`.

    Its places where processes wait for each other come in the same order in all of them.
    """
    if distribution.processes() == 1:
        return RunFolder(options, option)
    return (MainProcessFolder if distribution.is_main_process() else WorkerFolder)(options, option)


class _SharedFolder(RunFolder):
    """What holds for every process."""

    def load_best(self, model: keras.Model) -> None:
        """As `RunFolder.load_best`."""
        distribution.barrier("best checkpoint written")
        super().load_best(model)
        distribution.barrier("best checkpoint read")


class MainProcessFolder(_SharedFolder):
    """The main process's: does all that `RunFolder` does, and lets the others know."""

    def __enter__(self) -> Self:
        super().__enter__()
        distribution.barrier("folder looked at")
        return self

    def begin(self, stage: str) -> Checkpoint | None:
        """As `RunFolder.begin`."""
        checkpoint = super().begin(stage)
        distribution.barrier("folder made ready")
        return checkpoint


class WorkerFolder(_SharedFolder):
    """Every other process's: it writes nothing."""

    def __enter__(self) -> Self:
        distribution.barrier("folder looked at")
        # The main process has checked it and has said what is wrong.
        self._run = None if self._overwrite else RunRecord.read(self.folder)
        finished = self._run is not None and self._run.finished
        self.finished = finished and holds_checkpoint(self.folder)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, stage: str) -> Checkpoint | None:
        """The checkpoint from which the main process resumes."""
        distribution.barrier("folder made ready")
        if RunRecord.read(self.folder) is None:
            raise TrainingError(
                f"--{self._option}={self.folder}: process {distribution.process()} does not see "
                "what process 0 has written there. The folder has to be on a file system that all "
                "hosts share."
            )
        last = self.folder / "last"
        # It is written again only after steps that all take together, when all have read it.
        return read_checkpoint(last) if holds_checkpoint(last) else None

    def curves(self, stage: str, options: Mapping[str, Any], done: int) -> TensorBoardWriter:
        """Curves that are not written."""
        return NoCurves()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def publish(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def finish(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""
