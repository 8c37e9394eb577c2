"""Epochs, validation, best and last checkpoint, early stopping: the same for every stage."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from training.input_pipeline import prefetched
from training.optimizer import AdamW
from training.options import OptimizationOptions, OptionError
from training.progress import Progress, duration
from training.run_folder import RunFolder
from training.schedule import WarmupDecay
from training.tensorboard import TensorBoardWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """What the loop asks of a stage.

    Attributes:
        name: "pretraining" or "fine_tuning".
        batches: the batches of an epoch (from 0), as `model.fit` takes them.
        steps: how many there are.
        examples: sequences of an epoch.
        evaluate: the figures of the whole validation set.
        score: of these figures, how good the model is; higher is better.
        train_figures: which of the figures of `fit` are kept as those of the training set.
    """

    name: str
    batches: Callable[[int], Iterator[Any]]
    steps: Callable[[int], int]
    examples: int
    evaluate: Callable[[], dict[str, float]]
    score: Callable[[dict[str, float]], float]
    train_figures: tuple[str, ...]


@dataclass
class Record:
    """What a run has found so far, as `metrics.json` holds it.

    Attributes:
        history: an entry for each epoch.
        best_epoch: the epoch (from 1) of the best validation so far, 0 before the first.
        extra: further entries of `metrics.json`.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return {"history": self.history, "best_epoch": self.best_epoch, **self.extra}


def make_optimizer(options: OptimizationOptions, peak: float, total_steps: int) -> AdamW:
    """AdamW with linear warm-up and decay over `total_steps`."""
    schedule = WarmupDecay(peak, round(options.warmup_share * total_steps), total_steps)
    return AdamW(schedule, decay=options.weight_decay, clip_norm=options.clip_norm)


def total_steps(options: OptimizationOptions, steps: Callable[[int], int]) -> int:
    """Steps of the whole run."""
    return sum(steps(epoch) for epoch in range(options.num_epochs))


def train(
    model: keras.Model,
    stage: Stage,
    folder: RunFolder,
    options: OptimizationOptions,
    record: Record,
    *,
    patience: int | None = None,
) -> None:
    """Trains a compiled model; at the end the best weights are in `folder`.

    Args:
        model: compiled with the run's optimizer.
        stage: what it learns from.
        folder: gets the checkpoints and the logs.
        options: epochs, validation.
        record: is added to.
        patience: validations without a better score after which training ends; None: never.
    """
    writer = TensorBoardWriter(folder.logs, stage.name, options.to_dict())
    best_score, without_gain, began = float("-inf"), 0, time.monotonic()
    for epoch in range(1, options.num_epochs + 1):
        epoch_began = time.monotonic()
        progress = Progress(
            epoch=epoch,
            num_epochs=options.num_epochs,
            steps=stage.steps(epoch - 1),
            examples=stage.examples,
            writer=writer,
        )
        figures = _one_epoch(model, stage, epoch - 1, progress)
        entry: dict[str, Any] = {
            "epoch": epoch,
            "train": figures,
            "valid": {},
            "learning_rate": model.optimizer.last_learning_rate(),
            "seconds": round(time.monotonic() - epoch_began, 2),
        }
        record.history.append(entry)
        best = False
        if epoch % options.validate_every == 0 or epoch == options.num_epochs:
            entry["valid"] = stage.evaluate()
            _check_finite("validation", entry["valid"], epoch)
            writer.write("valid", int(model.optimizer.iterations), entry["valid"])
            score = stage.score(entry["valid"])
            best = score > best_score
            without_gain = 0 if best else without_gain + 1
            if best:
                best_score, record.best_epoch = score, epoch
        logger.info("%s%s", _line(entry, options.num_epochs), "  (best)" if best else "")
        state = {"stage": stage.name, "epoch": epoch, "step": int(model.optimizer.iterations)}
        folder.save(model, record.metrics(), state, best=best)
        if patience is not None and without_gain >= patience:
            logger.info("no better validation in %d epochs: training ends here", without_gain)
            break
    writer.close()
    logger.info(
        "trained in %s; best epoch %d", duration(time.monotonic() - began), record.best_epoch
    )


def _one_epoch(
    model: keras.Model, stage: Stage, epoch: int, progress: Progress
) -> dict[str, float]:
    dataset = prefetched(lambda: stage.batches(epoch), stage.steps(epoch))
    logs = model.fit(dataset, epochs=1, shuffle=False, verbose=0, callbacks=[progress]).history
    figures = {name: float(logs[name][0]) for name in stage.train_figures}
    _check_finite("training", figures, epoch + 1)
    return figures


def _check_finite(split: str, figures: dict[str, float], epoch: int) -> None:
    for name, value in figures.items():
        if not math.isfinite(value):
            raise OptionError(
                f"the {split} {name} is no longer a number in epoch {epoch}: lower "
                "--learning_rate, or use --precision=float32. The checkpoints of earlier epochs "
                "are kept."
            )


def _line(entry: dict[str, Any], num_epochs: int) -> str:
    parts = [f"epoch {entry['epoch']}/{num_epochs}"]
    for split in ("train", "valid"):
        figures = "  ".join(f"{name} {value:.4f}" for name, value in entry[split].items())
        if figures:
            parts.append(f"{split}: {figures}")
    return " | ".join([*parts, duration(entry["seconds"])])
