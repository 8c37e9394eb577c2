"""Epochs, validation, best and last checkpoint, early stopping: the same for every stage."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from common.errors import StoppedError, TrainingError
from models.checkpoints.folder import METRICS
from models.checkpoints.weights import load_optimizer, load_weights
from training.distribution import over_replicas, synchronize
from training.input_pipeline import prefetched
from training.interruption import Interruption
from training.optimizer import AdamW, last_learning_rate
from training.options.groups import OptimizationOptions
from training.progress import Progress, duration
from training.run_folder import RunFolder
from training.schedule import WarmupDecay
from training.step_keeper import StepKeeper
from training.tensorboard import TensorBoardWriter
from training.training_state import TrainingState, not_finite

logger = logging.getLogger(__name__)

_DOCUMENTS_NAMED = 8


def _no_documents(epoch: int, step: int) -> list[str]:
    return []


def _nothing_else() -> bool:
    return False


def _nothing_to_settle() -> None:
    return None


@dataclass(frozen=True)
class Stage:
    """What the loop asks of a stage.

    Attributes:
        name: "pretraining" or "fine_tuning".
        batches: the batches of an epoch (from 0), from a step (from 0) on, as `model.fit` takes
            them.
        steps: how many an epoch has.
        examples: sequences of an epoch.
        evaluate: the figures of the whole validation set.
        score: of these figures, how good the model is; higher is better.
        train_figures: which of the figures of `fit` are kept as those of the training set.
        documents: where the documents of a batch (epoch and step, from 0) stand, for people.
        gained: whether a part of the model did better in the last validation than ever before, so
            that training is worth its while though the score is no better.
        settle: called after a validation that is the best so far, before its checkpoint is written.
    """

    name: str
    batches: Callable[[int, int], Iterator[Any]]
    steps: Callable[[int], int]
    examples: int
    evaluate: Callable[[], dict[str, float]]
    score: Callable[[dict[str, float]], float]
    train_figures: tuple[str, ...]
    documents: Callable[[int, int], list[str]] = _no_documents
    gained: Callable[[], bool] = _nothing_else
    settle: Callable[[], None] = _nothing_to_settle


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

    def restore(self, metrics: Mapping[str, Any]) -> None:
        """Takes over what an earlier session of the run had found."""
        self.extra.update(metrics)
        self.history, self.best_epoch = self.extra.pop("history"), self.extra.pop("best_epoch")


def make_optimizer(options: OptimizationOptions, peak: float, total_steps: int) -> AdamW:
    """AdamW with linear warm-up and decay over `total_steps`."""
    schedule = WarmupDecay(peak, round(options.warmup_ratio * total_steps), total_steps)
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
    interruption: Interruption,
    *,
    patience: int | None = None,
) -> None:
    """Trains a compiled model; at the end it has the best weights, which are in `folder` too.

    A run that was killed goes on from its last checkpoint and ends as if it had not been.

    Args:
        model: compiled with the run's optimizer.
        stage: what it learns from.
        folder: gets the checkpoints and the logs, or has those to go on from.
        options: epochs, validation, steps between checkpoints.
        record: is added to.
        interruption: says when to stop.
        patience: validations without a better score or another gain after which training ends;
            None: never.

    Raises:
        TrainingError: a figure is no longer a finite number, or nothing can be written.
        StoppedError: the run was asked to stop; there is a checkpoint.
    """
    model.over_replicas = over_replicas()
    loop = _Loop(model, stage, folder, options, record, interruption, patience)
    loop.begin()
    loop.run()
    folder.load_best(model)


@dataclass
class _Loop:
    model: keras.Model
    stage: Stage
    folder: RunFolder
    options: OptimizationOptions
    record: Record
    interruption: Interruption
    patience: int | None

    def begin(self) -> None:
        """At the start, or where the last checkpoint was written."""
        self.state = TrainingState(self.stage.name)
        checkpoint = self.folder.begin(self.stage.name)
        if checkpoint is None:
            return
        self.state = state = TrainingState.of(checkpoint)
        load_weights(self.model, checkpoint)
        self.model.optimizer.build(self.model.trainable_variables)
        load_optimizer(self.model.optimizer, checkpoint)
        state.give_draws(self.model)
        self.record.restore(checkpoint.json(METRICS))
        if state.ended:
            logger.info("going on with the run in %s: its training is done", self.folder.folder)
        else:
            logger.info(
                "going on with the run in %s: epoch %d of %d, after step %s of %s (%s in all)",
                self.folder.folder,
                state.epoch + 1,
                self.options.num_epochs,
                f"{state.step_in_epoch:,}",
                f"{self.stage.steps(state.epoch):,}",
                f"{state.step:,}",
            )
        if not state.step_in_epoch and self.record.best_epoch == state.epoch:
            # The run may have been killed before this, the second of the two writes.
            self.folder.publish(self.model, self.record.metrics(), {})

    def run(self) -> None:
        """The epochs that are left."""
        began, options = time.monotonic(), self.options.to_dict()
        with self.folder.curves(self.stage.name, options, self.state.step) as writer:
            while not self.state.ended:
                self._epoch(writer)
                if not self.state.ended:
                    self.interruption.agree()
                    self.interruption.check()
        logger.info(
            "trained in %s; best epoch %d",
            duration(time.monotonic() - began),
            self.record.best_epoch,
        )

    def _epoch(self, writer: TensorBoardWriter) -> None:
        figures = self._train_steps(writer)
        state, epoch = self.state, self.state.epoch + 1
        entry: dict[str, Any] = {
            "epoch": epoch,
            "train": figures,
            "valid": {},
            "learning_rate": last_learning_rate(self.model.optimizer),
            "seconds": round(state.seconds, 2),
        }
        best = False
        if epoch % self.options.validate_every == 0 or epoch == self.options.num_epochs:
            entry["valid"] = self._validate()
            writer.write("valid", state.step, entry["valid"])
            score = self.stage.score(entry["valid"])
            best = state.best_score is None or score > state.best_score
            state.without_gain = 0 if best or self.stage.gained() else state.without_gain + 1
            if best:
                state.best_score, self.record.best_epoch = score, epoch
                self.stage.settle()
        self.record.history.append(entry)
        logger.info("%s%s", _line(entry, self.options.num_epochs), "  (best)" if best else "")
        tired = self.patience is not None and state.without_gain >= self.patience
        state.ended = tired or epoch == self.options.num_epochs
        state.epoch, state.step_in_epoch, state.seconds = epoch, 0, 0.0
        state.curve, state.figures = {}, []
        state.take_draws(self.model)
        self._save(best=best)
        if tired:
            logger.info(
                "no better validation in the last %d: training ends here", state.without_gain
            )

    def _train_steps(self, writer: TensorBoardWriter) -> dict[str, float]:
        """The steps of an epoch that are left; its training figures."""
        state, steps = self.state, self.stage.steps(self.state.epoch)
        if state.step_in_epoch < steps:
            self._fit(writer, steps)
        else:
            # The run was stopped while it validated.
            state.give_figures(self.model)
        figures = {
            name: float(value)
            for name, value in self.model.get_metrics_result().items()
            if name in self.stage.train_figures
        }
        self._check_finite("training", figures)
        self._check_weights()
        # Before validation makes others of the figures.
        state.take_figures(self.model)
        state.take_draws(self.model)
        return {name: figures[name] for name in self.stage.train_figures}

    def _fit(self, writer: TensorBoardWriter, steps: int) -> None:
        state, first, began = self.state, self.state.step_in_epoch, time.monotonic()
        seconds = state.seconds
        progress = Progress(
            epoch=state.epoch + 1,
            num_epochs=self.options.num_epochs,
            steps=steps,
            examples=self.stage.examples,
            writer=writer,
            steps_before=state.step - first,
            first_step=first,
            curve=state.curve,
        )

        def save() -> None:
            synchronize(self.model)
            state.curve = progress.curve
            state.seconds = seconds + time.monotonic() - began
            state.take_figures(self.model)
            state.take_draws(self.model)
            self._save(best=False)

        keeper = StepKeeper(
            state,
            every=self.options.save_every_steps,
            steps=steps,
            save=save,
            interruption=self.interruption,
        )
        dataset = prefetched(lambda: self.stage.batches(state.epoch, first), steps - first)
        self.model.fit(dataset, epochs=1, shuffle=False, verbose=0, callbacks=[progress, keeper])
        if keeper.loss is not None:
            raise self._spoiled(f"the training loss is {keeper.loss}")
        self.interruption.check()
        state.seconds = seconds + time.monotonic() - began

    def _validate(self) -> dict[str, float]:
        try:
            with self.interruption.at_once():
                figures = self.stage.evaluate()
        except StoppedError:
            self._save(best=False)
            raise
        self._check_finite("validation", figures)
        return figures

    def _save(self, *, best: bool) -> None:
        self._check_weights()
        self.folder.save(self.model, self.record.metrics(), self.state.to_dict(), best=best)

    def _check_weights(self) -> None:
        # A step can spoil the weights after a loss that was fine; such weights are never written.
        if spoiled := not_finite(self.model):
            raise self._spoiled(f"the weights are no longer finite numbers ({spoiled[0]})")

    def _check_finite(self, split: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            if not math.isfinite(value):
                raise self._spoiled(f"the {split} {name} is {value}")

    def _spoiled(self, what: str) -> TrainingError:
        state = self.state
        steps = self.stage.steps(state.epoch)
        message = f"{what} in epoch {state.epoch + 1}, at step {state.step_in_epoch:,} of {steps:,}"
        documents = self.stage.documents(state.epoch, state.step_in_epoch - 1)
        if documents:
            more = len(documents) - _DOCUMENTS_NAMED
            named = ", ".join(documents[:_DOCUMENTS_NAMED])
            message += f" (its batch: {named}{f' and {more} more' if more > 0 else ''})"
        return TrainingError(
            f"{message}. This step or the one before it was too much for the weights: start again "
            "with a lower --learning_rate or with --precision=float32, and see whether these "
            f"documents are what they should be. The last good checkpoint in {self.folder.folder} "
            "is kept."
        )


def _line(entry: dict[str, Any], num_epochs: int) -> str:
    parts = [f"epoch {entry['epoch']}/{num_epochs}"]
    for split in ("train", "valid"):
        figures = "  ".join(f"{name} {value:.4f}" for name, value in entry[split].items())
        if figures:
            parts.append(f"{split}: {figures}")
    return " | ".join([*parts, duration(entry["seconds"])])
