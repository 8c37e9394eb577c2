"""One run of predict.py over its input: read, label, write, and say how far it is."""

import itertools
import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

from common.errors import OptionError
from common.progress import Progress
from common.timed_batches import timed_batches
from tasks.data import Line
from tasks.formats import ResultFormat
from training.options.scripts import OUTPUT_FORMATS, PredictionOptions
from training.prediction_files import STANDARD, Source
from training.result_writers import Write, csv_writer, jsonl_writer

if TYPE_CHECKING:
    from training.predictor import TaskPredictor

logger = logging.getLogger(__name__)

_BATCHES_TOGETHER = 16
_LINES_NAMED = 10


class LabellingRun:
    """One run of predict.py over its input.

    Args:
        predictor: the model.
        options: of the command.
        source: what is read.
        target: what results are written to.

    Attributes:
        lines: how many have been labelled.
    """

    def __init__(
        self,
        predictor: "TaskPredictor",
        options: PredictionOptions,
        source: Source,
        target: BinaryIO,
    ) -> None:
        self._predictor, self._task, self._options = predictor, predictor.task, options
        self._source, self._target = source, target
        self._empty = _Problems(source.name, "had nothing to predict from")
        self._wrong = _Problems(source.name, "could not be used")
        self._write: Write | None = None
        self._format = self._own_format()
        self.lines = 0

    def run(self) -> None:
        """Labels all lines, and flushes the results of each block."""
        options, source = self._options, self._source
        lines = self._task.read(source.stream, source.name, options.reading())
        # A file does not pause: its blocks are always full, so results do not depend on time.
        wait = None if source.size is not None else options.max_wait_ms / 1000
        # Where the results appear on a terminal, they are the progress.
        shown = options.output != STANDARD or not sys.stdout.isatty()
        with Progress("labelling", source.size) if shown else nullcontext() as progress:
            for block in timed_batches(lines, options.batch_size * _BATCHES_TOGETHER, wait):
                good = list(itertools.takewhile(self._passes, block))
                self._label(good)
                self.lines += len(good)
                self._target.flush()
                if len(good) < len(block):
                    error = block[len(good)].error
                    assert error is not None
                    raise error
                if progress is not None:
                    progress.advance(source.position - progress.done, counted(self.lines))
        if self._write is None:
            self._start_writing([])
        if self._format is not None:
            self._target.write(self._format.end().encode())
        self._empty.summarize()
        self._wrong.summarize()

    def _passes(self, line: Line) -> bool:
        return line.error is None or self._options.on_error == "skip"

    def _label(self, lines: Sequence[Line]) -> None:
        given = [line.record for line in lines if line.record is not None]
        options = self._options
        results = iter(self._predictor.predict(given, options.batch_size, options.top_k))
        write = self._write or self._start_writing(lines)
        for line in lines:
            result = self._task.empty_result() if line.record is None else next(results)
            result = self._with_its_line(line, result)
            if self._format is not None:
                self._target.write(self._format.line(line.record, result).encode())
            else:
                write(result)

    def _with_its_line(self, line: Line, result: dict[str, Any]) -> dict[str, Any]:
        added: dict[str, Any] = {} if line.id is None else {"id": line.id}
        if line.error is not None:
            self._wrong.add(line.number, line.error.message)
            return {**added, **result, "error": f"line {line.number}: {line.error.message}"}
        if line.record is None:
            self._empty.add(line.number, "nothing to predict from")
        elif self._options.with_text:
            added |= self._task.values(line.record)
        return {**added, **result}

    def _own_format(self) -> ResultFormat | None:
        """The format, if it is one of the task.

        Raises:
            OptionError: there is no such format.
        """
        name, formats = self._options.output_format, self._task.formats
        if name in OUTPUT_FORMATS:
            return None
        if name not in formats:
            raise OptionError(
                f"--output_format={name}: the formats of the task {self._task.name} are "
                f"{', '.join((*OUTPUT_FORMATS, *formats))}."
            )
        return formats[name](self._task)

    def _start_writing(self, lines: Sequence[Line]) -> Write:
        """Chooses the format; whether a table has ids is seen in its first lines."""
        if self._options.output_format == "csv":
            task, top_k = self._task, self._options.top_k
            added = ["id"] if any(line.id is not None for line in lines) else []
            added += task.fields if self._options.with_text else []
            added += ["error"] if self._options.on_error == "skip" else []
            self._write = csv_writer(
                self._target, added, task.columns(top_k), lambda result: task.cells(result, top_k)
            )
        else:
            self._write = jsonl_writer(self._target)
        return self._write


class _Problems:
    """Names the first lines that have a problem, and counts them."""

    def __init__(self, name: str, summary: str) -> None:
        self._name, self._summary = name, summary
        self._count = 0

    def add(self, line: int, what: str) -> None:
        self._count += 1
        if self._count <= _LINES_NAMED:
            logger.warning("%s:%d: %s", self._name, line, what)

    def summarize(self) -> None:
        if self._count > _LINES_NAMED:
            logger.warning("%s: %s lines in all %s", self._name, f"{self._count:,}", self._summary)


def counted(lines: int) -> str:
    """A number of lines in words."""
    return "1 line" if lines == 1 else f"{lines:,} lines"
