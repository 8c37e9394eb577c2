"""The folder that a run writes to: the best checkpoint, the last one, and the logs.

`<folder>/` itself is the best checkpoint, complete, for whoever comes next; `<folder>/last/` is
the last one, with the state from which training can go on; `<folder>/logs/` is TensorBoard's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from models.checkpoint import holds_checkpoint, write_checkpoint
from training.options import OptionError


def check_free(folder: str, option: str, *, overwrite: bool) -> None:
    """Refuses a folder that a run may not write to; called before the long work begins.

    Raises:
        OptionError: it is a file, or it holds a checkpoint and may not be overwritten.
    """
    if not folder:
        raise OptionError(f"--{option}= is empty: name the folder that is to be written.")
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise OptionError(f"--{option}={folder}: this is a file; give a folder.")
    if holds_checkpoint(path) and not overwrite:
        raise OptionError(
            f"--{option}={folder}: this folder already holds a checkpoint. Give another folder, "
            "or --overwrite to replace it."
        )


class RunFolder:
    """Where one run's results go.

    Args:
        folder: the checkpoint folder.
        option: the option that named it, for messages.
        overwrite: whether an older checkpoint in it may be replaced.

    Raises:
        OptionError: see `check_free`.
    """

    def __init__(self, folder: str, option: str, *, overwrite: bool) -> None:
        self.folder = Path(folder)
        self.logs = self.folder / "logs"
        self._config: dict[str, Any] = {}
        self._texts: dict[str, str] = {}
        check_free(folder, option, overwrite=overwrite)

    def describe(self, config: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        """Sets what is the same in every checkpoint of the run."""
        self._config, self._texts = dict(config), dict(texts)

    def save(
        self,
        model: keras.Model,
        metrics: Mapping[str, Any],
        training_state: Mapping[str, Any],
        *,
        best: bool,
    ) -> None:
        """Writes the last checkpoint, and the best one where this is it.

        Only the last one holds the optimizer's state: training goes on from there or not at all.
        """
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
            self.finish(model, metrics, {})

    def finish(
        self, model: keras.Model, metrics: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Writes the best checkpoint; at the end of a run with its final figures and reports.

        Args:
            model: with the best weights.
            metrics: content of `metrics.json`.
            texts: further text files.
        """
        write_checkpoint(
            self.folder,
            config=self._config,
            model=model,
            texts={**self._texts, **texts},
            metrics=metrics,
        )
