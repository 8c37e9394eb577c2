"""Writes training curves and options for TensorBoard.

A run has event files in `train` and `valid`, with the same names for curves of the same thing, so
that one chart shows both, and in `test` for the figures of the test set. The options are in the
folder itself, for TensorBoard's HPARAMS, which compares runs. Names begin with the stage
("pretraining/masked_lm_loss", "fine_tuning/micro_f1"), which separates the curves of the stages if
both are shown together.

A resumed run writes new files to the same folder. Their first record makes TensorBoard discard the
points that the run wrote after its last checkpoint; they are written again.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from common.errors import TrainingError

SPLITS = ("train", "valid")
TEST = "test"


def new_log_folder(logs: Path, stage: str) -> Path:
    """Creates the folder of one run's curves; its name is unique.

    Args:
        logs: the folder of all runs.
        stage: the name of the stage.
    """
    name = f"{stage}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        folder = logs / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


class TensorBoardWriter:
    """Writes the curves of one run; a context manager.

        with TensorBoardWriter(Path("logs/run"), "pretraining", {"seed": 1}) as writer:
            writer.write("train", 10, {"loss": 2.5})

    Args:
        folder: the folder of the run's curves.
        stage: the prefix of the curves' names.
        options: shown as a table under "options".
        done: the number of completed steps; earlier points at later steps are discarded.

    Raises:
        TrainingError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, stage: str, options: Mapping[str, Any], *, done: int = 0
    ) -> None:
        self._stage = stage
        self._folder = folder
        with _name_io_errors(folder):
            self._writers = {split: _new_event_file(folder / split) for split in SPLITS}
            for writer in self._writers.values():
                _add(writer, file_version="brain.Event:2")
                # TensorBoard discards the points at this step and later ones.
                first = done + 1 if done else 0
                _add(writer, step=first, session_log=SessionLog(status=SessionLog.START))
        if not done:
            rows = "\n".join(f"| {name} | {value} |" for name, value in options.items())
            table = f"| option | value |\n|---|---|\n{rows}"
            self._write("train", 0, text_pb(f"{stage}/options", _shown(table)))
            with _name_io_errors(folder), closing(_new_event_file(folder)) as writer:
                _add(writer, file_version="brain.Event:2")
                _add(writer, summary=hparams_pb(_hyperparameters(options), trial_id=folder.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, split: str, step: int, metrics: Mapping[str, float]) -> None:
        """Adds a point to each curve.

        Args:
            split: "train" or "valid".
            step: the number of completed steps of the run.
            metrics: the values by name.

        Raises:
            TrainingError: the folder cannot be written.
        """
        values = [scalar_pb(f"{self._stage}/{name}", value) for name, value in metrics.items()]
        self._write(split, step, Summary(value=[each for one in values for each in one.value]))

    def close(self) -> None:
        """Flushes and closes the files."""
        with _name_io_errors(self._folder):
            for writer in self._writers.values():
                writer.close()

    def _write(self, split: str, step: int, summary: Summary) -> None:
        with _name_io_errors(self._folder):
            _add(self._writers[split], step=step, summary=summary)
            # Flushed, so that the curves of a long run can be viewed while it trains.
            self._writers[split].flush()


class NoCurves(TensorBoardWriter):
    """A writer that discards everything, for processes other than the main process."""

    def __init__(self) -> None:
        self._stage = ""

    def close(self) -> None:
        """Nothing."""

    def _write(self, split: str, step: int, summary: Summary) -> None:
        pass


def write_test_figures(folder: Path, stage: str, step: int, metrics: Mapping[str, Any]) -> None:
    """Adds the figures of the test set, at the step whose weights were tested.

    Args:
        folder: the folder of the run's curves.
        stage: the prefix of the figures' names.
        step: the number of completed steps.
        metrics: the figures by name.

    Raises:
        TrainingError: the folder cannot be written.
    """
    with _name_io_errors(folder), closing(_new_event_file(folder / TEST)) as writer:
        _add(writer, file_version="brain.Event:2")
        # What an earlier session has written of the same test is not shown again.
        _add(writer, step=0, session_log=SessionLog(status=SessionLog.START))
        for name, value in metrics.items():
            if isinstance(value, int | float):  # A task may tell more than figures.
                _add(writer, step=step, summary=scalar_pb(f"{stage}/{name}", value))


def _hyperparameters(options: Mapping[str, Any]) -> dict[str, bool | float | str]:
    return {
        name: value if isinstance(value, bool | int | float) else _shown(value)
        for name, value in options.items()
    }


def _shown(value: object) -> str:
    # Names of files need not be UTF-8.
    return str(value).encode(errors="backslashreplace").decode()


def _new_event_file(folder: Path) -> RecordWriter:
    folder.mkdir(parents=True, exist_ok=True)
    # TensorBoard reads the files in the order of their names: number them by session.
    last = max((path.suffix[1:] for path in folder.glob("events.out.tfevents.*")), default="-1")
    name = f"events.out.tfevents.{int(last) + 1:06d}"
    return RecordWriter((folder / name).open("xb"))


def _add(writer: RecordWriter, **content: Any) -> None:
    writer.write(Event(wall_time=time.time(), **content).SerializeToString())


@contextmanager
def _name_io_errors(folder: Path) -> Iterator[None]:
    """Turns an `OSError` into a `TrainingError` that names the folder and says what to do."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{folder}: the curves cannot be written ({error.strerror or error}). The last "
            "checkpoint is kept; fix the cause and repeat the command to resume."
        ) from error
