"""A run's folder for several processes: the first one writes, the others read what it wrote.

The folder has to be on a file system that all of them see.
"""

from collections.abc import Mapping
from typing import Any, Self

import keras

from common.errors import TrainingError
from models.checkpoints.folder import Checkpoint, holds_checkpoint, read_checkpoint
from training import distribution
from training.options.groups import RunOptions
from training.run_folder import RunFolder
from training.tensorboard import NoCurves, TensorBoardWriter


def run_folder(options: RunOptions, option: str) -> RunFolder:
    """The folder that an option names, to be entered within `distributed`.

    Its places where processes wait for each other come in the same order in all of them.
    """
    if distribution.processes() == 1:
        return RunFolder(options, option)
    return (LeadingFolder if distribution.is_first() else FollowingFolder)(options, option)


class _SharedFolder(RunFolder):
    """What holds for every process."""

    def load_best(self, model: keras.Model) -> None:
        """As `RunFolder.load_best`."""
        distribution.wait("best checkpoint written")
        super().load_best(model)
        distribution.wait("best checkpoint read")


class LeadingFolder(_SharedFolder):
    """That of the first process: all that `RunFolder` does, and it lets the others know."""

    def __enter__(self) -> Self:
        super().__enter__()
        distribution.wait("folder looked at")
        return self

    def begin(self, stage: str) -> Checkpoint | None:
        """As `RunFolder.begin`."""
        checkpoint = super().begin(stage)
        distribution.wait("folder made ready")
        return checkpoint


class FollowingFolder(_SharedFolder):
    """That of every other process: it writes nothing."""

    def __enter__(self) -> Self:
        distribution.wait("folder looked at")
        # Whatever could be wrong with it, the first process has found and said.
        self._run = {} if self._overwrite else self._read_run()
        self.finished = bool(self._run.get("finished")) and holds_checkpoint(self.folder)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, stage: str) -> Checkpoint | None:
        """The checkpoint that the first process goes on from."""
        distribution.wait("folder made ready")
        if not self._read_run():
            raise TrainingError(
                f"--{self._option}={self.folder}: process {distribution.process()} does not see "
                "what process 0 has written there. The folder has to be on a file system that all "
                "hosts share."
            )
        last = self.folder / "last"
        # It is written anew after steps that all take together: not before all have read it.
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
