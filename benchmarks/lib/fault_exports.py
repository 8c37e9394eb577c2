"""What writes exports of a model.

The libraries that write them compute in each try, so all tries run in one process.
"""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.lib.fault_commands import CommandWriter, loaded_models, once, remember_models


class ExportWriter(CommandWriter):
    """Writes an export.

    Args:
        checkpoint: the folder of the model.
        form: the format.
    """

    in_process = True

    def __init__(self, checkpoint: Path, form: str) -> None:
        super().__init__(checkpoint)
        self._form, self.name = form, f"export ({form})"
        if form == "litert":
            self.peak = 2.3  # It is converted from a SavedModel, which is there for a while.

    def prepare(self, folder: Path) -> None:
        """Loads the model."""
        from training.prediction import Predictor

        remember_models()
        Predictor(Path(self._checkpoint))

    def write(self, folder: Path, number: int) -> None:
        """Exports the model; the length of its input tells the number."""
        from conversion.export import export
        from training.options.conversion import ExportOptions

        loaded = loaded_models[Path(self._checkpoint)]
        loaded["text"] = dataclasses.replace(loaded["text"], sequence_length=30 + number)
        export(
            ExportOptions(
                ckpt_dir=self._checkpoint,
                out=str(folder / "export"),
                format=self._form,
                overwrite=True,
            )
        )

    def read(self, folder: Path) -> int:
        """The number in the description, where the model has its files."""
        from conversion.exported import WHOLE, model_file

        export = folder / "export"
        model = export / model_file(self._form, WHOLE)
        files = [*model.rglob("*")] if model.is_dir() else [model]
        assert sum(path.stat().st_size for path in files) > 10_000
        return json.loads((export / "model.json").read_bytes())["sequence_length"] - 30


class MovedExportWriter(ExportWriter):
    """Writes copies of an export, so that the process can be killed at each rename."""

    in_process = False

    def prepare(self, folder: Path) -> None:
        """Makes the export that is copied, and has all outputs computed: no fork can."""
        from conversion import export
        from models.serving_model import ServingModel

        super().prepare(folder)
        ExportWriter.write(self, folder, 1)
        made = folder / "export" / export.model_file(self._form, export.WHOLE)
        copy = shutil.copytree if made.is_dir() else shutil.copyfile

        def write_copy(model: Any, path: Path, quantize: str) -> None:
            copy(made, path)

        export._WRITERS[self._form] = write_copy
        export.check_agreement = lambda *arguments, **settings: None
        ServingModel.__call__ = once(ServingModel.__call__)
        for number in (1, 2, 3):
            ExportWriter.write(self, folder, number)
