"""Prediction for new records. Files are streamed, so they may be larger than memory."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from common.errors import CheckpointError, InputError, StoppedError
from models.checkpoints.folder import METRICS, read_checkpoint
from models.checkpoints.publication import read_published
from tasks.data import TextEncoder
from tasks.evaluation import Outputs
from tasks.loading import load_task_model
from training.labelling_run import LabellingRun, counted
from training.options.groups import FineTunedOptions
from training.options.scripts import PredictionOptions
from training.prediction_files import (
    STANDARD,
    check_files,
    open_source,
    open_target,
    place_of_part,
)
from training.predictor import TaskPredictor
from training.preparation.tokenizer import stored_tokenizer

logger = logging.getLogger(__name__)


class Predictor(TaskPredictor):
    """Loads a checkpoint and predicts, also if it is only pre-trained and has a task all the same.

        >>> predictor = Predictor(Path("checkpoint_lm_save"))
        >>> predictor.predict(["被告人盗窃手机一部。"])
        [{'labels': [{'label': '盗窃', 'probability': 0.98}]}]

    Args:
        folder: the checkpoint folder.
        threshold: used for all labels, instead of the checkpoint's thresholds.
        threshold_file: a file of `label<TAB>threshold`, for some labels or for all.
        at_least_one: whether a result always has a label, instead of the checkpoint's setting.

    Attributes:
        checkpoint: the checkpoint.
        metrics: the content of its metrics.json.
        task: the task that it was fine-tuned for, or what it can do as pre-training left it.
        model: the model.
        text: turns text into the model's token ids.

    Raises:
        CheckpointError: the folder is not a complete checkpoint, or has no task.
        OptionError: one of these is given, but the task has none.
        InputError: the file of thresholds cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        threshold: float | None = None,
        threshold_file: str = "",
        at_least_one: bool | None = None,
    ) -> None:
        # A run may publish another checkpoint between the configuration and the weights.
        read_published(folder, lambda: self._load(folder))
        self.task.use_decision(threshold, threshold_file, at_least_one)

    @cached_property
    def _outputs(self) -> Outputs:
        # Imported here: an exported model is run without TensorFlow.
        from training.devices.forward import Forward

        return self.task.outputs_function(self.model, lambda part: Forward(part).outputs)

    @classmethod
    def from_options(cls, options: FineTunedOptions) -> Self:
        """Loads the checkpoint that the options name, with their decision."""
        predictor = cls(
            Path(options.ckpt_dir), options.threshold, options.threshold_file, options.at_least_one
        )
        predictor.task.use_options(options)
        return predictor

    def _load(self, folder: Path) -> None:
        checkpoint = read_checkpoint(folder)
        self.task, self.model = load_task_model(checkpoint, pretrained=True)
        if "task" in checkpoint.config:
            self.model.leave_out_unused()
        if checkpoint.setting("test_mode", bool):
            logger.warning("%s was made in --test_mode: its predictions are not meaningful", folder)
        length = checkpoint.setting("sequence_length", int)
        shortest, longest = self.task.min_sequence_length, checkpoint.backbone.max_position
        if not shortest <= length <= longest:
            raise CheckpointError(
                f"{folder}: config.json has a sequence_length of {length}; it must be from "
                f"{shortest} to max_position ({longest:,})."
            )
        self.checkpoint, self.metrics = checkpoint, checkpoint.json(METRICS)
        self.text = TextEncoder(*stored_tokenizer(checkpoint), self.task.text_length(length))

    def _run(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """See `TaskPredictor`."""
        return self._outputs(inputs)


def predict(
    options: PredictionOptions,
    load: Callable[[PredictionOptions], TaskPredictor] | None = None,
) -> int:
    """Writes one result for each line of `--input`, in the order of the input.

    Args:
        options: of the command.
        load: gives the model that the options name; default: the checkpoint.

    Returns:
        The number of lines.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: the input cannot be read.
        OptionError: the output is the input, or cannot be a file.
    """
    check_files(options.input, options.output)
    predictor = (load or Predictor.from_options)(options)
    began = time.monotonic()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(options.input))
        target = stack.enter_context(open_target(options.output))
        run = LabellingRun(predictor, options, source, target)
        try:
            run.run()
        except InputError as error:
            if run.lines:
                message = (
                    f"{error.message}. The results of {counted(run.lines)} before it are in "
                    f"{place_of_part(options.output)}. --on_error=skip skips such lines"
                )
                raise InputError(message, error.path, error.line) from error
            raise
        except (KeyboardInterrupt, StoppedError):
            if run.lines:
                kept = place_of_part(options.output)
                logger.warning("the results of %s are in %s", counted(run.lines), kept)
            raise
    where = "" if options.output == STANDARD else f": {options.output}"
    seconds = time.monotonic() - began
    logger.info("predicted %s in %.1f s%s", counted(run.lines), seconds, where)
    return run.lines
