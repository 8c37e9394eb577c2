"""Measures a fine-tuned checkpoint on labelled files that it has perhaps never seen."""

import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.errors import OptionError
from common.files import to_json
from common.whole_files import whole_folder
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import check_paths
from models.checkpoints.folder import METRICS
from tasks.data import DataSettings
from training.devices.forward import Forward
from training.measuring import measure, tell
from training.options.scripts import EvaluationOptions
from training.prediction import Predictor
from training.report import REPORT, evaluation_report

logger = logging.getLogger(__name__)

_LONGEST_NAME = 100


def evaluate(options: EvaluationOptions) -> dict[str, Any]:
    """Measures a checkpoint and writes `metrics.json`, the predictions and `report.html`.

    Returns:
        The content of `metrics.json`: "checkpoint", "files", "task", and "test" with the metrics
        that fine-tuning has under this name.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: the files cannot be used.
        OptionError: the output folder cannot be used, or the task cannot be measured like this.
    """
    if not options.input:
        raise OptionError("--input= is empty: name at least one labelled file.")
    check_paths(options.input)
    output = output_folder(options)
    predictor = Predictor.from_options(options)
    task, text = predictor.task, predictor.text
    logger.info(
        "evaluation (%s) of %s, %s, on %s; the results will be in %s",
        task.name,
        options.ckpt_dir,
        task.summary(),
        ", ".join(options.input),
        output,
    )
    # The text is read once, and leaves nothing in the cache of training.
    with TemporaryDirectory(ignore_cleanup_errors=True) as cache:
        settings = DataSettings(
            tokenizer=text.tokenizer,
            vocabulary=text.vocabulary,
            vocab_size=len(text.vocabulary),
            min_count=1,
            sequence_length=text.sequence_length,
            batch_size=options.batch_size,
            seed=0,
            cache_folder=Path(cache),
            processes=options.process_num,
            reading=reading_of(options, predictor.checkpoint.config.get("options")),
        )
        data = task.labelled(options.input, settings)
        found = predictor.checkpoint.json(METRICS)
        evaluation = task.evaluation(predictor.model, data, Forward(predictor.model), found)
        measured, texts = measure(evaluation)
        findings = tell(evaluation)
    metrics = {
        "checkpoint": options.ckpt_dir,
        "files": options.input,
        "task": task.name,
        "test": measured,
    }
    texts[REPORT] = evaluation_report(metrics, findings, data, options)
    with whole_folder(output, replace=True) as incoming:
        (incoming / METRICS).write_bytes(to_json(metrics))
        for name, content in texts.items():
            (incoming / name).write_bytes(content.encode(errors="backslashreplace"))
    logger.info("the results are in %s (%s)", output, ", ".join([METRICS, *texts]))
    return metrics


def reading_of(options: EvaluationOptions, trained_with: Any) -> Reading:
    """How to read the files: as the options say, or else as the training files were read.

    Args:
        options: of the evaluation.
        trained_with: the options in the checkpoint's `config.json`; earlier versions have others.
    """
    reading = options.reading()
    before = trained_with if isinstance(trained_with, dict) else {}
    for name in ("text_field", "label_field", "label_separator", "encoding"):
        value, default = before.get(name), getattr(DEFAULT_READING, name)
        value = tuple(value) if isinstance(value, list) else value
        if getattr(reading, name) == default and type(value) is type(default):
            reading = reading.replace(**{name: value})
    return reading


def output_folder(options: EvaluationOptions) -> Path:
    """The folder of the results: `--output_dir`, or one in the checkpoint folder.

    Raises:
        OptionError: it holds something that no evaluation has written.
    """
    if options.output_dir:
        output = Path(options.output_dir)
    else:
        stems = "-".join(Path(name).stem for name in options.input)
        output = Path(options.ckpt_dir) / f"evaluation-{stems}"[:_LONGEST_NAME]
    if os.path.lexists(output) and not output.is_dir():
        raise OptionError(f"--output_dir={output}: this is not a folder; name another one.")
    foreign = sorted(path.name for path in output.glob("*") if not _is_result(path))
    if foreign:
        raise OptionError(
            f"--output_dir={output}: this folder holds {foreign[0]}, which no evaluation has "
            "written and which would be removed; name another folder."
        )
    return output


def _is_result(path: Path) -> bool:
    return path.is_file() and (path.name in (METRICS, REPORT) or path.name.startswith("test_"))
