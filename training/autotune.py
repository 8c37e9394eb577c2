"""`--autotune_minutes`: tries options in short runs and goes on with the best of them.

Successive halving (Jamieson and Talwalkar, 2016, https://arxiv.org/abs/1502.07943): many settings
are trained for a few epochs, the best third of them again for three times as many, and so on.
"""

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from common.command_line import command_of
from common.duration import duration
from common.errors import OptionError, TrainingError
from common.options import as_text
from common.whole_files import write_whole
from tasks.registry import TASKS
from training import fine_tuning
from training.options.scripts import FineTuningOptions
from training.preparation import architecture
from training.preparation.epochs import with_epochs
from training.preparation.splits import split_files
from training.runs.side_folder import side_folder

logger = logging.getLogger(__name__)

REDUCTION = 3
MIN_TRIALS, MAX_TRIALS = 3, 27
TRIALS, _TRIAL = "trials.jsonl", "trial"

Setting = dict[str, Any]
# Trains with options and returns the content of `metrics.json`.
Train = Callable[[FineTuningOptions], Mapping[str, Any]]


def tuned(options: FineTuningOptions, train: Train) -> FineTuningOptions:
    """Returns the options with the best setting that was found in `--autotune_minutes`.

    Settings are compared by their best validation score; the test files are not read. The trials
    are listed in `<ckpt_dir_save>_autotune/trials.jsonl`. If the run is killed, the same command
    resumes: no finished trial is repeated.

    Args:
        options: of the run.
        train: fine-tunes a model.

    Returns:
        Options that give the same model as this run when they are used without
        `--autotune_minutes`, which is 0 in them.

    Raises:
        OptionError: the folder of the trials belongs to another run, or the run has several
            processes.
        TrainingError: training diverged in every trial.
    """
    if not options.autotune_minutes:
        return options
    if options.num_processes > 1:
        raise OptionError("--autotune_minutes needs --num_processes=1: tune on one host first.")
    final = options.replace(autotune_minutes=0.0)
    with side_folder(final, "ckpt_dir_save", "autotune", [TRIALS, _TRIAL]) as folder:
        trials = _Trials(folder / TRIALS)
        best = _Search(final, 60 * options.autotune_minutes, trials, train).best()
    logger.info("autotune: the best setting was %s. To repeat its run:", _as_text(best))
    chosen = final.replace(**best)
    logger.info("  %s", command_of(chosen))
    return chosen


def settings(options: FineTuningOptions, learning_rate: float, number: int) -> list[Setting]:
    """The settings that are tried: the first is that of the options, the others are random.

    The learning rates are drawn log-uniformly from a third of the given rate to three times of it,
    the batch size from the given one, its half and its quarter (so that no trial needs more memory
    than the options do), and dropout uniformly.

        >>> len(settings(FineTuningOptions(), 3e-3, 5))
        5

    Args:
        options: of the run.
        learning_rate: of the backbone, if the options do not give it.
        number: how many settings to return.
    """
    generator = np.random.default_rng(options.seed)
    base = {
        "learning_rate": learning_rate,
        "head_learning_rate": options.head_learning_rate,
        "batch_size": options.batch_size,
        "dropout_keep_prob": options.dropout_keep_prob or 0.9,
    }
    found = [base]
    while len(found) < number:
        factors = REDUCTION ** generator.uniform(-1, 1, size=2)
        found.append(
            {
                "learning_rate": _rounded(base["learning_rate"] * factors[0]),
                "head_learning_rate": _rounded(base["head_learning_rate"] * factors[1]),
                "batch_size": max(1, base["batch_size"] // int(generator.choice([1, 2, 4]))),
                "dropout_keep_prob": round(float(generator.uniform(0.6, 0.95)), 2),
            }
        )
    return found


class _Trials:
    """The finished trials, on the disk: a line for each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[dict[str, Any]] = []
        if path.exists():
            self._found = list(map(json.loads, path.read_text(encoding="utf-8").splitlines()))

    def __len__(self) -> int:
        return len(self._found)

    def find(self, setting: Setting, epochs: int) -> dict[str, Any] | None:
        """The finished trial of a setting, if there is one."""
        same = (t for t in self._found if t["setting"] == setting and t["epochs"] == epochs)
        return next(same, None)

    def add(self, trial: dict[str, Any]) -> None:
        """Adds a finished trial."""
        self._found.append(trial)
        lines = [json.dumps(trial, ensure_ascii=False) for trial in self._found]
        write_whole(self.path, "".join(f"{line}\n" for line in lines).encode())

    @property
    def seconds(self) -> float:
        """The time that all of them took."""
        return sum(trial["seconds"] for trial in self._found)


class _Search:
    def __init__(
        self, options: FineTuningOptions, seconds: float, trials: _Trials, train: Train
    ) -> None:
        self._options, self._seconds = options, seconds
        self._trials, self._train = trials, train
        self._task = TASKS[options.task]
        checkpoint = architecture.open_checkpoint(options, "ckpt_dir")
        config = (
            checkpoint.backbone
            if checkpoint is not None
            else architecture.new_backbone_config(options, 1000)
        )
        self._learning_rate = architecture.learning_rate(options, config, "fine_tuning")
        files = split_files(options)
        self._files = {
            "training_data_file": files["train"],
            "valid_data_file": files["valid"],
            "test_data_file": [],
            "valid_ratio": None,
            "test_ratio": None,
        }
        data = fine_tuning.prepare_data(self._trial_options({}, 1), checkpoint)
        steps = data.batches["train"].steps(0)
        self._epochs = with_epochs(options, steps).num_epochs

    def best(self) -> Setting:
        """Tries settings until the time is up, and returns the best one."""
        short = max(1, math.ceil(self._epochs / REDUCTION**2))
        (first,) = settings(self._options, self._learning_rate, 1)
        logger.info(
            "autotune: %s, of which the first trial will show how many trials are possible; a "
            "trial is a run of %d to %d epochs with %s",
            duration(self._seconds),
            short,
            self._epochs,
            ", ".join(f"--{name}={as_text(value)}" for name, value in self._cheap().items()),
        )
        trial = self._trials.find(first, short) or self._try(first, short)
        cost = trial["seconds"] / short
        number = REDUCTION * self._seconds / (cost * self._epochs)
        number = int(min(max(number, MIN_TRIALS), MAX_TRIALS))
        rung, epochs = settings(self._options, self._learning_rate, number), short
        ranked = rung
        while len(rung) > 1:
            logger.info("autotune: %d settings for %d epochs each", len(rung), epochs)
            scores: dict[int, float] = {}
            for index, setting in enumerate(rung):
                known = self._trials.find(setting, epochs)
                too_late = self._trials.seconds + cost * epochs > self._seconds
                if known is None and too_late and scores:
                    logger.info("autotune: the time is up before the other trials")
                    break
                scores[index] = self._score(known or self._try(setting, epochs))
            order = sorted(scores, key=lambda index: -scores[index])
            if scores[order[0]] == -math.inf:
                raise TrainingError(
                    "autotune: training diverged in every trial: give a lower --learning_rate."
                )
            ranked = [rung[index] for index in order]
            if len(scores) < len(rung) or epochs == self._epochs:
                break
            rung = ranked[: max(1, len(rung) // REDUCTION)]
            epochs = min(epochs * REDUCTION, self._epochs)
        return ranked[0]

    def _try(self, setting: Setting, epochs: int) -> dict[str, Any]:
        """Trains with a setting and adds the result to the trials."""
        began = time.monotonic()
        options = self._trial_options(setting, epochs)
        try:
            with _quiet():
                metrics = self._train(options)
        except TrainingError as error:
            logger.info("autotune: %s", error)
            text, score = "diverged", None
        else:
            score = metrics["history"][metrics["best_epoch"] - 1]["valid"][metrics["score"]]
            text = f"valid {metrics['score']} {score:.4f}"
        finally:
            shutil.rmtree(options.ckpt_dir_save, ignore_errors=True)
            # Each trial's graph would stay in memory.
            keras.utils.clear_session()
        seconds = round(time.monotonic() - began, 1)
        trial = {
            "setting": setting,
            "epochs": epochs,
            "score": score,  # None: training diverged.
            "seconds": seconds,
        }
        self._trials.add(trial)
        left = max(0.0, self._seconds - self._trials.seconds)
        logger.info(
            "trial %d: %s, %d epochs: %s (%s, %s left)",
            len(self._trials),
            _as_text(setting),
            epochs,
            text,
            duration(seconds),
            duration(left),
        )
        return trial

    def _score(self, trial: Mapping[str, Any]) -> float:
        """The score of a trial, with its sign chosen so that higher is better."""
        if trial["score"] is None:
            return -math.inf
        return trial["score"] if self._task.higher_is_better else -trial["score"]

    def _trial_options(self, setting: Setting, epochs: int) -> FineTuningOptions:
        return self._options.replace(
            **setting,
            **self._cheap(),
            **self._files,
            num_epochs=epochs,
            ckpt_dir_save=str(self._trials.path.parent / _TRIAL),
            overwrite=True,
        )

    def _cheap(self) -> Setting:
        return dict(self._task.trial_options)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides what the runs within say, but not their warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _as_text(setting: Setting) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())
