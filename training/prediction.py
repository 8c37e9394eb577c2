"""Prediction for new records. Files are streamed, so they may be larger than memory."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from common.errors import CheckpointError, OptionError
from common.whole_files import whole_file
from data_util.reading.sources import check_paths
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.publication import read_published
from tasks.base import Encoded, Record
from tasks.data import TextEncoder
from tasks.loading import load_task_model
from tasks.rows import split_rows
from training.devices.forward import Forward
from training.options.scripts import PredictionOptions
from training.preparation.tokenizer import stored_tokenizer

logger = logging.getLogger(__name__)

_BATCHES_TOGETHER = 16
_LOG_SECONDS = 30.0
_LINES_NAMED = 10


class Predictor:
    """Loads a fine-tuned checkpoint and predicts.

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
        task: the task that it was fine-tuned for.
        model: the model.
        text: turns text into the model's token ids.

    Raises:
        CheckpointError: the folder is not a complete, fine-tuned checkpoint.
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
        self._forward = Forward(self.model)

    def _load(self, folder: Path) -> None:
        checkpoint = read_checkpoint(folder)
        self.task, self.model = load_task_model(checkpoint)
        if checkpoint.setting("test_mode", bool):
            logger.warning("%s was made in --test_mode: its predictions are not meaningful", folder)
        length = checkpoint.setting("sequence_length", int)
        shortest, longest = self.task.min_sequence_length, checkpoint.backbone.max_position
        if not shortest <= length <= longest:
            raise CheckpointError(
                f"{folder}: config.json has a sequence_length of {length}; it must be from "
                f"{shortest} to max_position ({longest:,})."
            )
        self.checkpoint = checkpoint
        self.text = TextEncoder(*stored_tokenizer(checkpoint), length)

    def predict(
        self, records: Sequence[Record], batch_size: int = 64, top_k: int = 0
    ) -> list[dict[str, Any]]:
        """Predicts a result for each record.

        Args:
            records: as returned by `task.record`: texts, or tuples of two texts for pairs.
            batch_size: the number of records in a batch.
            top_k: the number of most probable alternatives to add to each result.

        Returns:
            For each record a dict that can be written as JSON.
        """
        encoded = self.encode(records)
        return self.task.results(encoded, self.outputs(encoded, batch_size), top_k)

    def probabilities(self, records: Sequence[Record], batch_size: int = 64) -> np.ndarray:
        """The probability of each label, for tasks that classify whole records.

        Args:
            records: as in `predict`.
            batch_size: as in `predict`.

        Returns:
            (records, labels) float32.
        """
        if not records:
            return np.zeros((0, len(self.task.labels)), dtype=np.float32)
        outputs = self.outputs(self.encode(records), batch_size)
        return np.asarray(self.task.probabilities(np.concatenate(outputs)))

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The token ids of each record."""
        return self.task.encode(records, self.text)

    def outputs(self, encoded: Sequence[Encoded], batch_size: int = 64) -> list[Any]:
        """The model's outputs for each record.

        Args:
            encoded: as returned by `encode`.
            batch_size: the number of records in a batch.

        Returns:
            For each record the outputs of its rows, (its rows, ...).
        """
        results: list[Any] = [None] * len(encoded)
        # Records of similar length share a batch, to minimize padding.
        order = sorted(range(len(encoded)), key=lambda index: self.task.length(encoded[index]))
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            parts = self.batch_outputs([encoded[index] for index in chosen])
            for index, part in zip(chosen, parts, strict=True):
                results[index] = part
        return results

    def batch_outputs(self, encoded: Sequence[Encoded]) -> list[Any]:
        """Like `outputs`, with all records in one batch."""
        inputs = self.task.inputs(encoded, self.text)
        return split_rows(self._forward.outputs(inputs), inputs["example"])


def predict(options: PredictionOptions) -> int:
    """Writes one result for each line of `--input`, in the order of the input.

    Returns:
        The number of lines.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: the input cannot be read.
        OptionError: the output is the input, or cannot be a file.
    """
    if options.input != "-":
        check_paths([options.input])
        if os.path.realpath(options.output) == os.path.realpath(options.input):
            raise OptionError(
                f"--output={options.output}: this is the input file; name another file."
            )
    _check_output(options.output)
    predictor = Predictor(
        Path(options.ckpt_dir), options.threshold, options.threshold_file, options.at_least_one
    )
    began = shown = time.monotonic()
    lines = empty = 0
    with ExitStack() as stack:
        source = sys.stdin.buffer
        if options.input != "-":
            source = stack.enter_context(open(options.input, "rb"))
        target = stack.enter_context(_output(options.output))
        name = "standard input" if options.input == "-" else options.input
        size = options.batch_size * _BATCHES_TOGETHER
        for block in _blocks(predictor.task.read(source, name, options.reading()), size):
            for line, record in block:
                if record is None:
                    empty += 1
                    if empty <= _LINES_NAMED:
                        logger.warning("%s:%d: nothing to predict from", name, line)
            records = [record for _, record in block]
            for result in _results(predictor, records, options):
                target.write((json.dumps(result, ensure_ascii=False) + "\n").encode())
            target.flush()
            lines += len(block)
            if time.monotonic() - shown > _LOG_SECONDS:
                shown = time.monotonic()
                logger.info("%s lines, %.0f/s", f"{lines:,}", lines / (shown - began))
    if empty > _LINES_NAMED:
        logger.warning("%s: %s lines in all had nothing to predict from", name, f"{empty:,}")
    logger.info("predicted %s lines in %.1f s", f"{lines:,}", time.monotonic() - began)
    return lines


def _check_output(path: str) -> None:
    """Refuses what cannot be written to before a model is loaded and lines are predicted."""
    if path == "-":
        return
    if os.path.isdir(path):
        raise OptionError(f"--output={path}: this is a folder; name a file in it.")
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise OptionError(f"--output={path}: there is no folder {parent}; create it first.")


@contextmanager
def _output(path: str) -> Iterator[BinaryIO]:
    """Opens the output: standard output, a pipe, a device, or a file that is whole or absent."""
    if path == "-":
        yield sys.stdout.buffer
    elif os.path.exists(path) and not os.path.isfile(path):
        # To rename a file to the name of a pipe or a device would put the file in its place.
        with open(path, "wb") as file:
            yield file
    else:
        with whole_file(path) as file:
            yield file


def _results(
    predictor: Predictor, records: list[Record | None], options: PredictionOptions
) -> Iterator[dict[str, Any]]:
    given = [record for record in records if record is not None]
    results = iter(predictor.predict(given, options.batch_size, options.top_k))
    for record in records:
        yield predictor.task.empty_result() if record is None else next(results)


def _blocks(lines: Iterable[Any], size: int) -> Iterator[list[Any]]:
    lines = iter(lines)
    while block := list(islice(lines, size)):
        yield block
