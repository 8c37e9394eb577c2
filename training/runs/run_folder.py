"""The output folder of a run: the best checkpoint, the last checkpoint, and the logs.

`<folder>/` itself is the best checkpoint, ready for fine-tuning, prediction or export.
`<folder>/last/` is the last checkpoint, with the state from which training resumes.
`<folder>/logs/` is for TensorBoard. `<folder>/run.json` identifies the run and states whether it
has finished.
"""

import logging
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import keras

from common.errors import OptionError, TrainingError
from common.whole_files import remove_unfinished
from models.checkpoints.folder import Checkpoint, holds_checkpoint, read_checkpoint
from models.checkpoints.weights import load_weights
from models.checkpoints.writing import remove_leftovers, write_checkpoint
from training.options.groups import RunOptions
from training.runs.locked_folder import LockedFolder
from training.runs.output_checks import check_no_foreign_files, check_not_input
from training.runs.run_identity import START_OPTIONS, differences, run_identity
from training.runs.run_length import EPOCHS, check_length, has_other_length
from training.runs.run_record import RUN, RunRecord
from training.runs.tensorboard import SPLITS, TEST, TensorBoardWriter, new_log_folder

logger = logging.getLogger(__name__)

_REMOVED = ".removed-"


class RunFolder:
    """The output folder of one run; a context manager that locks it against other runs.

    Entering it compares its content with the run. If it is empty, or with `--overwrite`, a new run
    begins. An unfinished run with the same options and data is resumed. If such a run has finished,
    `finished` is true and nothing is left to do. With more epochs than it has trained, a run is
    resumed whether it has finished or not. Anything else is rejected.

        with RunFolder(options, "ckpt_dir") as folder:
            if not folder.finished:
                ...  # train

    Args:
        options: the options of the run.
        option: the name of the option that gives the folder.

    Attributes:
        folder: its path.
        finished: whether the run has already finished.
        logs: the folder of the run's curves.

    Raises:
        OptionError: the folder cannot be used (on entering).
    """

    def __init__(self, options: RunOptions, option: str) -> None:
        name = getattr(options, option)
        if not name:
            raise OptionError(f"--{option}= is empty: name the output folder.")
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
        self._shared: Collection[str] | None = None

    def __enter__(self) -> Self:
        for name in START_OPTIONS:
            if name != self._option:
                check_not_input(self.folder, getattr(self._options, name, ""), self._option)
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

    def __exit__(self, *error: object) -> None:
        self._locked.__exit__(*error)

    @property
    def resume_hint(self) -> str:
        """How to resume the run after it was stopped, for messages."""
        same = "the same command"
        return f"{same}, with --overwrite=false," if self._options.overwrite else same

    def set_metadata(
        self,
        config: Mapping[str, Any],
        texts: Mapping[str, str],
        shared: Collection[str] | None = None,
    ) -> None:
        """Sets what all checkpoints of the run have in common.

        Args:
            config: content of `config.json`.
            texts: content of further text files by name.
            shared: weights that are left out, see `write_checkpoint`; None: none.
        """
        self._config, self._texts, self._shared = dict(config), dict(texts), shared

    def begin(self, stage: str) -> Checkpoint | None:
        """Prepares the folder for training.

        Args:
            stage: the name of the stage.

        Returns:
            The checkpoint to resume from, or None for a new run.

        Raises:
            OptionError: the checkpoint has another vocabulary or other labels.
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
                # Renamed first, so that a kill in between never leaves half of a checkpoint.
                removed = self.folder / f"{_REMOVED}{os.getpid()}"
                last.rename(removed)
                shutil.rmtree(removed)
            self._run = None if self._overwrite else self._run
        self._choose_logs(stage)
        return None

    def curves(self, stage: str, options: Mapping[str, Any], done: int) -> TensorBoardWriter:
        """Creates the writer of the run's curves; see `TensorBoardWriter`."""
        return TensorBoardWriter(self.logs, stage, options, done=done)

    def save(
        self,
        model: keras.Model,
        metrics: Mapping[str, Any],
        training_state: Mapping[str, Any],
        *,
        best: bool,
    ) -> None:
        """Writes the last checkpoint and, if `best`, the best checkpoint.

        Only the last one includes the optimizer state, which is needed to resume.

        Args:
            model: a compiled model.
            metrics: content of `metrics.json`.
            training_state: content of `training_state.json`.
            best: whether the model is the best so far.
        """
        content = {"model": model, "metrics": metrics, "training_state": training_state}
        self._write(self.folder / "last", {}, optimizer=model.optimizer, **content)
        if best:
            self.publish(model, metrics, {})

    def publish(
        self, model: keras.Model, metrics: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Writes the best checkpoint.

        Args:
            model: a model with the best weights.
            metrics: content of `metrics.json`.
            texts: content of further text files by name.
        """
        self._write(self.folder, texts, model=model, metrics=metrics)

    def _write(self, folder: Path, texts: Mapping[str, str], **content: Any) -> None:
        self._locked.check_in_place()
        texts, config, shared = {**self._texts, **texts}, self._config, self._shared
        with self._writing():
            write_checkpoint(folder, config=config, texts=texts, shared=shared, **content)

    def load_best(self, model: keras.Model) -> None:
        """Loads the weights of the best checkpoint into the model."""
        load_weights(model, read_checkpoint(self.folder))

    def finish(
        self, model: keras.Model, metrics: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Writes the best checkpoint with the final metrics and marks the run as finished.

        Args:
            model, metrics, texts: as in `publish`.
        """
        self.publish(model, metrics, texts)
        assert self._run is not None
        self._write_record(self._run.as_finished())

    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json` of a finished run."""
        return read_checkpoint(self.folder).json("metrics.json")

    def _look(self) -> None:
        if self._overwrite:
            return
        check_no_foreign_files(self.folder, self._option)
        self._run = RunRecord.read(self.folder)
        holds = holds_checkpoint(self.folder) or holds_checkpoint(self.folder / "last")
        if self._run is None and holds:
            raise OptionError(
                f"--{self._option}={self.folder}: this folder already holds a checkpoint, but not "
                "the files that are needed to resume its run. Give another folder, or --overwrite "
                "to replace it."
            )
        if self._run is None:
            return
        there, here = self._run.identity, run_identity(self._options, self._option)
        # In fine-tuning, 0 epochs are as many as the data need, which is not known yet.
        epochs = here["options"][EPOCHS]
        found = differences(there, here, but=(EPOCHS,) if epochs else ())
        if not holds and (found or has_other_length(there, epochs)):
            # That run was killed before it wrote a checkpoint.
            self._run = None
        elif found:
            raise self._refused("; ".join(found))
        elif has_other_length(there, epochs):
            check_length(self.folder, self._option, epochs)
            self._run = self._run.as_continued(here)
        elif self._run.finished and holds_checkpoint(self.folder):
            self.finished = True
            logger.info(
                "%s: this run has already finished, nothing to do (--overwrite starts over, a "
                "higher --num_epochs continues)",
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
        """Chooses the folder of the run's curves: that of the resumed run, or a new one."""
        all_logs = self.folder / "logs"
        if self._run is None:
            with self._writing():
                self.logs = new_log_folder(all_logs, stage)
            identity = run_identity(self._options, self._option)
            self._write_record(RunRecord(identity, self.logs.name))
        else:
            # Only the name is used, so that an edited file cannot redirect output elsewhere.
            self.logs = all_logs / Path(self._run.logs).name
            self._locked.refuse_links(self.logs, *(self.logs / split for split in (*SPLITS, TEST)))
            self._write_record(self._run)  # It may have another number of epochs.

    def _remove_leftovers(self) -> None:
        remove_leftovers(self.folder)
        remove_leftovers(self.folder / "last")
        for path in self.folder.glob(f"{_REMOVED}*"):
            shutil.rmtree(path)
        remove_unfinished(self.folder / RUN)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turns an `OSError` into a `TrainingError` that says what is kept and what to do."""
        try:
            yield
        except OSError as error:
            if holds_checkpoint(self.folder / "last") or holds_checkpoint(self.folder):
                kept = f"the last good checkpoint is kept, and {self.resume_hint} resumes"
            else:
                kept = "there is no checkpoint yet"
            raise TrainingError(
                f"--{self._option}={self.folder}: cannot be written to "
                f"({os.strerror(error.errno) if error.errno else error}). Free disk space or grant "
                f"permission ({kept}), or give another folder."
            ) from error
