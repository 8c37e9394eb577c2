"""Curves and options for TensorBoard.

A run has two writers, `train` and `valid`, which use the same names, so that a chart shows both.
Names begin with the stage ("pretraining/masked_lm_loss", "fine_tuning/micro_f1"), so that a
folder with the runs of both steps keeps them apart.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import tensorflow as tf


class TensorBoardWriter:
    """Writes the curves of one run.

    Args:
        logs: the folder of all runs; the run gets a folder of its own in it.
        stage: the first part of every curve's name.
        options: shown as a table under "options".
    """

    def __init__(self, logs: Path, stage: str, options: Mapping[str, Any]) -> None:
        self._stage = stage
        self.folder = logs / f"{stage}-{datetime.now():%Y%m%d-%H%M%S}"
        self._writers = {
            split: tf.summary.create_file_writer(str(self.folder / split))
            for split in ("train", "valid")
        }
        rows = "\n".join(f"| {name} | {value} |" for name, value in options.items())
        with self._writers["train"].as_default(step=0):
            tf.summary.text(f"{stage}/options", f"| option | value |\n|---|---|\n{rows}")

    def write(self, split: str, step: int, figures: Mapping[str, float]) -> None:
        """Adds a point to each curve of `split` ("train" or "valid") at `step`."""
        with self._writers[split].as_default(step=step):
            for name, value in figures.items():
                tf.summary.scalar(f"{self._stage}/{name}", value)
        self._writers[split].flush()

    def close(self) -> None:
        """Writes what is left."""
        for writer in self._writers.values():
            writer.close()
