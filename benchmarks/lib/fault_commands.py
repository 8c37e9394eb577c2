"""What writes files with a model: prediction, vectors and evaluation.

The model's outputs are computed once and remembered, so that a try is a fork that computes nothing.
"""

import functools
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.faults import Writer
from benchmarks.lib.killed_runs import ROOT

loaded_models: dict[Path, dict[str, Any]] = {}

LINES = 150
LABELS = 17  # of the first lines of the sample


class CommandWriter(Writer):
    """Writes with a fine-tuned model.

    Args:
        checkpoint: its folder; see `make_checkpoint`.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = str(checkpoint)

    def prepare(self, folder: Path) -> None:
        """Loads the model and remembers its outputs for what the tries read."""
        remember_models()
        sample = (ROOT / "data" / "sample_test.txt").read_text(encoding="utf-8").splitlines(True)
        self._inputs = folder
        for number in (1, 2, 3):
            self._input(number).write_text(
                "".join(islice(cycle(sample), LINES + number)), encoding="utf-8"
            )
            self.write(folder, number)

    def _input(self, number: int) -> Path:
        """A file whose number of lines tells the number."""
        return self._inputs / f"input{number}.txt"


class PredictionWriter(CommandWriter):
    """Writes labels."""

    name = "predict.py --output"

    def write(self, folder: Path, number: int) -> None:
        """Labels the lines of a file."""
        from training.options.scripts import PredictionOptions
        from training.prediction import predict

        predict(
            PredictionOptions(
                ckpt_dir=self._checkpoint,
                input=str(self._input(number)),
                output=str(folder / "labels.jsonl"),
                top_k=LABELS,
            )
        )

    def read(self, folder: Path) -> int:
        """The number that the lines tell."""
        lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
        assert all(len(json.loads(line)["top"]) == LABELS for line in lines)
        return len(lines) - LINES


class StandardOutputWriter(PredictionWriter):
    """Writes labels to standard output, a file of which a part may stay."""

    name = "predict.py > FILE"
    place = "stdout"
    after_refusal = tuple(range(-LINES, 3))

    def write(self, folder: Path, number: int) -> None:
        """Labels the lines of a file."""
        from training.options.scripts import PredictionOptions
        from training.prediction import predict

        before = os.dup(1)
        with open(folder / f"labels{number}.jsonl", "wb") as file:
            os.dup2(file.fileno(), 1)
        try:
            predict(
                PredictionOptions(
                    ckpt_dir=self._checkpoint, input=str(self._input(number)), top_k=LABELS
                )
            )
        finally:
            try:
                sys.stdout.flush()
                os.dup2(before, 1)
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # This fork writes no more.

    def read(self, folder: Path) -> int:
        """The number that the lines of the newest file tell."""
        newest = max(folder.glob("labels*.jsonl"))
        return len(newest.read_bytes().splitlines()) - LINES


class VectorWriter(CommandWriter):
    """Writes vectors."""

    name = "predict.py --vectors"

    def write(self, folder: Path, number: int) -> None:
        """Writes the vectors of the lines of a file."""
        from training.options.scripts import PredictionOptions
        from training.vector_files import write_vectors

        write_vectors(
            PredictionOptions(
                ckpt_dir=self._checkpoint,
                input=str(self._input(number)),
                vectors=str(folder / "vectors.npy"),
            )
        )

    def read(self, folder: Path) -> int:
        """The number that the vectors tell."""
        return len(np.load(folder / "vectors.npy")) - LINES


class EvaluationWriter(CommandWriter):
    """Writes metrics, predictions and a report."""

    name = "evaluate.py"
    peak = 2.2  # The text is in a cache for a while.

    def write(self, folder: Path, number: int) -> None:
        """Measures the model on a file."""
        from training.evaluation import evaluate
        from training.options.scripts import EvaluationOptions

        evaluate(
            EvaluationOptions(
                ckpt_dir=self._checkpoint,
                input=[str(self._input(number))],
                output_dir=str(folder / "evaluation"),
                process_num=1,
            )
        )

    def read(self, folder: Path) -> int:
        """The number that the metrics and the predictions tell."""
        output = folder / "evaluation"
        examples = json.loads((output / "metrics.json").read_bytes())["test"]["examples"]
        lines = (output / "test_predictions.jsonl").read_text(encoding="utf-8").splitlines()
        assert examples == len(lines)
        assert (output / "report.html").read_text(encoding="utf-8").endswith("</html>")
        return examples - LINES


def make_checkpoint(folder: Path) -> Path:
    """Fine-tunes a tiny model; returns its folder."""
    import tensorflow as tf

    from train_bert_fine_tuning import fine_tune
    from training.options.scripts import FineTuningOptions

    # Nothing is compiled for one epoch of a few documents; tf.data says that it compiles anyway.
    tf.config.run_functions_eagerly(True)
    warnings.filterwarnings("ignore", message=r".*run_functions_eagerly", category=UserWarning)
    files = {}
    for name, lines in (("train", 60), ("valid", 20)):
        text = (ROOT / "data" / f"sample_{name}.txt").read_text(encoding="utf-8")
        files[name] = folder / f"{name}.txt"
        files[name].write_text("".join(text.splitlines(True)[:lines]), encoding="utf-8")
    fine_tune(
        FineTuningOptions(
            training_data_file=[str(files["train"])],
            valid_data_file=[str(files["valid"])],
            test_data_file=[],
            data_path=str(folder / "data"),
            ckpt_dir="",
            ckpt_dir_save=str(folder / "checkpoint"),
            preset="tiny",
            process_num=1,
            sequence_length=32,
            num_epochs=1,
        )
    )
    return folder / "checkpoint"


def remember_models() -> None:
    """Has models loaded once, and their outputs for the same inputs computed once."""
    from training.devices.forward import Forward
    from training.prediction import Predictor
    from training.vectors import TextVectors

    load = Predictor._load

    def load_once(self: Predictor, folder: Path) -> None:
        if folder not in loaded_models:
            load(self, folder)
            loaded_models[folder] = dict(vars(self))
        vars(self).update(loaded_models[folder])

    Predictor._load = load_once  # type: ignore[method-assign]
    TextVectors.load = functools.cache(TextVectors.load)  # type: ignore[method-assign]
    Forward.outputs = once(Forward.outputs)  # type: ignore[method-assign]


def once(compute: Callable[[Any, Mapping[str, np.ndarray]], Any]) -> Callable:
    """Has a method, of the only model of this process, computed once for the same inputs."""
    known: dict[tuple, Any] = {}

    def outputs(self: Any, inputs: Mapping[str, np.ndarray]) -> Any:
        key = tuple((name, array.shape, array.tobytes()) for name, array in inputs.items())
        if key not in known:
            known[key] = compute(self, inputs)
        return known[key]

    return outputs
