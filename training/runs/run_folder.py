"""The folder that a run writes to: the best checkpoint, the last one, and the logs.

`<folder>/` itself is the best checkpoint, complete, for whatever comes next; `<folder>/last/` is
the last one, with the state from which training resumes; `<folder>/logs/` is TensorBoard's.
`<folder>/run.json` says which run it is and whether it has finished.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras

from common.errors import OptionError, TrainingError
from common.files import remove_unfinished
from models.checkpoints.folder import Checkpoint, holds_checkpoint, read_checkpoint
from models.checkpoints.weights import load_weights
from models.checkpoints.writing import remove_leftovers, write_checkpoint
from training.options.groups import RunOptions
from training.runs.locked_folder import LockedFolder
from training.runs.run_identity import differences, run_identity
from training.runs.run_record import RUN, RunRecord
from training.runs.tensorboard import SPLITS, TensorBoardWriter, new_log_folder

logger = logging.getLogger(__name__)

_REMOVED = ".removed-"


class RunFolder:
    """Where one run's results go; a context manager, within which no other run may write there.

    On entering, what the folder holds decides. Nothing, or `--overwrite`: a run begins. An
    unfinished run of the same options and data: it resumes. The same, finished: `finished` is
    true and nothing is left to do. Anything else is refused.

    Args:
        options: of the run.
        option: the option that names the folder.

    Raises:
        OptionError: the folder cannot be used (on entering).
    """

    def __init__(self, options: RunOptions, option: str) -> None:
        name = getattr(options, option)
        if not name:
            raise OptionError(f"--{option}= is empty: name the folder that is to be written.")
        self.folder = Path(name)
        self.finished = False
        self.logs = self.folder / "logs"
        self._options = options
        self._option = option
        self._overwrite = options.overwrite
        self._locked = LockedFolder(self.folder, option)
        self._run: RunRecord | None = None
        self._config: dict[str, Any] = {}
        self._texts: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._locked.refuse_links(self.folder / "last", self.folder / "logs")
        with self._writing():
            self._locked.__enter__()
        try:
            with self._writing():
                self._remove_leftovers()
            self._look()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._locked.__exit__(kind, error, traceback)

    @property
    def resume_hint(self) -> str:
        """How to resume a run that was stopped, for messages."""
        same = "the same command"
        return f"{same}, with --overwrite=false," if self._options.overwrite else same

    def set_metadata(self, config: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        """Sets what is the same in every checkpoint of the run."""
        self._config, self._texts = dict(config), dict(texts)

    def begin(self, stage: str) -> Checkpoint | None:
        """Makes the folder ready for training.

        Returns:
            The checkpoint to resume from, or None at the beginning.

        Raises:
            OptionError: it has another vocabulary or other labels.
        """
        last = self.folder / "last"
        if not self._overwrite and self._run is not None and holds_checkpoint(last):
            checkpoint = read_checkpoint(last)
            for name, text in self._texts.items():
                if checkpoint.text(name) != text:
                    before, now = checkpoint.text(name).count("\n"), text.count("\n")
                    raise self._refused(f"another {name} ({before:,} lines there, {now:,} here)")
            self._choose_logs(stage)
            return checkpoint
        with self._writing():
            if last.exists():
                # In this order a kill in between leaves one run or the other, never a mixture.
                removed = self.folder / f"{_REMOVED}{os.getpid()}"
                last.rename(removed)
                shutil.rmtree(removed)
            if self._overwrite:
                self._run = None
        self._choose_logs(stage)
        return None

    def curves(self, stage: str, options: Mapping[str, Any], done: int) -> TensorBoardWriter:
        """Where the run's curves go; see `TensorBoardWriter`."""
        return TensorBoardWriter(self.logs, stage, options, done=done)

    def save(
        self,
        model: keras.Model,
        metrics: Mapping[str, Any],
        training_state: Mapping[str, Any],
        *,
        best: bool,
    ) -> None:
        """Writes the last checkpoint, and the best one where this is it.

        Only the last one holds the optimizer's state, which is needed to resume.
        """
        with self._writing():
            write_checkpoint(
                self.folder / "last",
                config=self._config,
                model=model,
                texts=self._texts,
                metrics=metrics,
                optimizer=model.optimizer,
                training_state=training_state,
            )
        if best:
            self.publish(model, metrics, {})

    def publish(
        self, model: keras.Model, metrics: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Writes the best checkpoint.

        Args:
            model: with the best weights.
            metrics: content of `metrics.json`.
            texts: further text files.
        """
        with self._writing():
            write_checkpoint(
                self.folder,
                config=self._config,
                model=model,
                texts={**self._texts, **texts},
                metrics=metrics,
            )

    def load_best(self, model: keras.Model) -> None:
        """Gives the model the best checkpoint's weights."""
        load_weights(model, read_checkpoint(self.folder))

    def finish(
        self, model: keras.Model, metrics: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Writes the best checkpoint with the run's final metrics; the run is finished.

        Args: as `publish`.
        """
        self.publish(model, metrics, texts)
        assert self._run is not None
        self._write_record(self._run.as_finished())

    def metrics(self) -> dict[str, Any]:
        """What a finished run wrote to `metrics.json`."""
        return read_checkpoint(self.folder).json("metrics.json")

    def _look(self) -> None:
        if self._overwrite:
            return
        self._run = RunRecord.read(self.folder)
        holds = holds_checkpoint(self.folder) or holds_checkpoint(self.folder / "last")
        if self._run is None:
            if holds:
                raise OptionError(
                    f"--{self._option}={self.folder}: this folder already holds a checkpoint, but "
                    "not what is needed to resume the run that made it. Give another folder, or "
                    "--overwrite to replace it."
                )
            return
        found = differences(self._run.identity, run_identity(self._options, self._option))
        if found and not holds:
            # That run was killed before there was anything to lose.
            self._run = None
        elif found:
            raise self._refused("; ".join(found))
        elif self._run.finished and holds_checkpoint(self.folder):
            self.finished = True
            logger.info(
                "%s holds this very run, finished: nothing to do (--overwrite starts over)",
                self.folder,
            )

    def _refused(self, found: str) -> OptionError:
        return OptionError(
            f"--{self._option}={self.folder}: this folder already holds a checkpoint of another "
            f"run: {found}. Give another folder, that run's options to resume it, or --overwrite "
            "to start over."
        )

    def _write_record(self, record: RunRecord) -> None:
        self._run = record
        with self._writing():
            record.write(self.folder)

    def _choose_logs(self, stage: str) -> None:
        """The run's own folder of curves: the one that it had, or a new one."""
        all_logs = self.folder / "logs"
        if self._run is None:
            with self._writing():
                self.logs = new_log_folder(all_logs, stage)
            identity = run_identity(self._options, self._option)
            self._write_record(RunRecord(identity, self.logs.name))
        else:
            # Whatever a file says, nothing is written outside of the folder.
            self.logs = all_logs / Path(self._run.logs).name
            self._locked.refuse_links(self.logs, *(self.logs / split for split in SPLITS))

    def _remove_leftovers(self) -> None:
        remove_leftovers(self.folder)
        remove_leftovers(self.folder / "last")
        for path in self.folder.glob(f"{_REMOVED}*"):
            shutil.rmtree(path)
        remove_unfinished(self.folder / RUN)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Says of an `OSError` where it was, what is kept and what to do."""
        try:
            yield
        except OSError as error:
            if holds_checkpoint(self.folder / "last") or holds_checkpoint(self.folder):
                kept = f"the last good checkpoint is kept; then {self.resume_hint} resumes"
            else:
                kept = "there is no checkpoint yet"
            raise TrainingError(
                f"--{self._option}={self.folder}: cannot be written to "
                f"({os.strerror(error.errno) if error.errno else error}). Make room or give "
                f"permission ({kept}), or give another folder."
            ) from error
