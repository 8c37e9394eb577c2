"""The training loop: epochs, validation, checkpoints and early stopping, for every stage."""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import keras

from common.duration import duration
from common.errors import StoppedError, TrainingError
from common.progress import Progress
from models.checkpoints.folder import METRICS
from models.checkpoints.weights import load_optimizer, load_weights
from training.devices.distribution import reduction_of_losses, synchronize
from training.devices.input_pipeline import prefetched
from training.loop.callbacks import EpochCallback, StepCallback
from training.loop.interruption import Interruption
from training.loop.optimizer import last_learning_rate, total_steps
from training.loop.remaining_evaluations import RemainingEvaluations
from training.loop.run_history import RunHistory, as_text
from training.loop.stage import Stage
from training.loop.training_state import TrainingState, not_finite
from training.options.groups import OptimizationOptions
from training.runs.run_folder import RunFolder
from training.runs.tensorboard import TensorBoardWriter

logger = logging.getLogger(__name__)

_EXAMPLES_NAMED = 8


def train(
    model: keras.Model,
    stage: Stage,
    folder: RunFolder,
    options: OptimizationOptions,
    history: RunHistory,
    interruption: Interruption,
    *,
    patience: int | None = None,
) -> None:
    """Trains a compiled model; at the end it has the best weights, which are also in `folder`.

    A run that was killed resumes from its last checkpoint and ends with identical weights.

    Args:
        model: compiled with the run's optimizer.
        stage: the batches and how the model is evaluated.
        folder: where checkpoints and logs are written, and from which the run resumes.
        options: the number of epochs, and the frequency of validations and checkpoints.
        history: the metrics of each epoch are added to it.
        interruption: tells when to stop.
        patience: training ends after this many validations without improvement; None: never.

    Raises:
        TrainingError: a loss or a weight is not finite, or the folder cannot be written.
        StoppedError: the run was asked to stop; a checkpoint was written.
    """
    model.all_reduce_sum = reduction_of_losses()
    loop = _Loop(model, stage, folder, options, history, interruption, patience)
    loop.begin()
    loop.run()
    folder.load_best(model)


@dataclass
class _Loop:
    model: keras.Model
    stage: Stage
    folder: RunFolder
    options: OptimizationOptions
    history: RunHistory
    interruption: Interruption
    patience: int | None
    compiled: bool = False

    def begin(self) -> None:
        """Starts a new run, or restores the state of the last checkpoint."""
        self.state = TrainingState(self.stage.name)
        # If the first step had to create the optimizer's variables, it would be traced twice.
        self.model.optimizer.build(self.model.trainable_variables)
        checkpoint = self.folder.begin(self.stage.name)
        if checkpoint is None:
            return
        self.state = state = TrainingState.of(checkpoint)
        load_weights(self.model, checkpoint)
        load_optimizer(self.model.optimizer, checkpoint)
        state.restore_rng(self.model)
        self.history.restore(checkpoint.json(METRICS))
        before = checkpoint.setting("options", dict).get("num_epochs")
        if before != self.options.num_epochs:
            state.resume_end()
        state.check(checkpoint, self.options.num_epochs, self.stage.steps)
        if state.ended:
            logger.info("resuming the run in %s: training has finished", self.folder.folder)
        else:
            logger.info(
                "resuming the run in %s: epoch %d of %d, after step %s of %s (%s in all)",
                self.folder.folder,
                state.epoch + 1,
                self.options.num_epochs,
                f"{state.step_in_epoch:,}",
                f"{self.stage.steps(state.epoch):,}",
                f"{state.step:,}",
            )
        if before != self.options.num_epochs:
            logger.info(
                "--num_epochs=%d instead of %s: from here on the learning rate is that of a run of "
                "so many epochs, now %.3g; the optimizer keeps its state",
                self.options.num_epochs,
                before,
                float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            )
        if not state.step_in_epoch and self.history.best_epoch == state.epoch:
            # The run may have been killed after `last` was written and before the best checkpoint.
            self.folder.publish(self.model, self.history.metrics(), {})

    def run(self) -> None:
        """Trains the remaining epochs."""
        began, options = time.monotonic(), self.options.to_dict()
        with (
            self.folder.curves(self.stage.name, options, self.state.step) as writer,
            self._progress() as self.progress,
        ):
            while not self.state.ended:
                self._epoch(writer)
                if not self.state.ended:
                    self.interruption.synchronize()
                    self.interruption.check()
        logger.info(
            "trained in %s; best epoch %d",
            duration(time.monotonic() - began),
            self.history.best_epoch,
        )

    def _progress(self) -> Progress:
        self.evaluations = RemainingEvaluations(
            self.stage, self.options.num_epochs, self.options.validate_every
        )
        return Progress(
            "",
            total_steps(self.options, self.stage.steps),
            done=self.state.step,
            further=lambda seconds: self.evaluations.seconds_left(self.state.epoch, seconds),
            at_most=self.patience is not None,
        )

    def _epoch(self, writer: TensorBoardWriter) -> None:
        self.progress.title = f"epoch {self.state.epoch + 1}/{self.options.num_epochs}"
        if self.stage.begin_epoch(self.state.epoch):
            self.model.make_train_function(force=True)
        metrics = self._train_steps(writer)
        with self.progress.aside("validating"):
            self._end_epoch(metrics, writer)

    def _end_epoch(self, metrics: dict[str, float], writer: TensorBoardWriter) -> None:
        """Validates, if it is time to, and writes the checkpoints of the epoch's end."""
        state, epoch = self.state, self.state.epoch + 1
        entry: dict[str, Any] = {
            "epoch": epoch,
            "train": metrics,
            "valid": {},
            "learning_rate": last_learning_rate(self.model.optimizer),
            "seconds": round(state.seconds, 2),
        }
        best = False
        if epoch % self.options.validate_every == 0 or epoch == self.options.num_epochs:
            entry["valid"] = self._validate()
            writer.write("valid", state.step, entry["valid"])
            best = state.count_validation(
                self._score(entry["valid"]), self.stage.improved, self.stage.near_tie
            )
            if best:
                self.history.best_epoch = epoch
                self.stage.settle()
        self.history.epochs.append(entry)
        logger.info("%s%s", _line(entry, self.options.num_epochs), "  (best)" if best else "")
        without = state.validations_without_improvement
        out_of_patience = self.patience is not None and without >= self.patience
        state.end_epoch(ended=out_of_patience or epoch == self.options.num_epochs)
        state.capture_rng(self.model)
        self._save(best=best)
        if out_of_patience:
            logger.info("no improvement in the last %d validations: training ends", without)

    def _score(self, valid: dict[str, float]) -> float:
        """The validation score, with its sign chosen so that higher is better."""
        return -valid[self.stage.score] if self.stage.lower_is_better else valid[self.stage.score]

    def _train_steps(self, writer: TensorBoardWriter) -> dict[str, float]:
        """Trains the remaining steps of the epoch and returns its training metrics."""
        state, steps = self.state, self.stage.steps(self.state.epoch)
        if state.step_in_epoch < steps:
            self._fit(writer, steps)
        else:
            # The run was stopped during validation.
            state.restore_metrics(self.model)
        results = self.model.get_metrics_result()
        metrics = self.stage.measured(
            {name: float(results[name]) for name in self.stage.train_metrics}
        )
        self._check_finite("training", metrics)
        self._check_weights()
        # Validation resets the metrics.
        state.capture_metrics(self.model)
        state.capture_rng(self.model)
        return metrics

    def _fit(self, writer: TensorBoardWriter, steps: int) -> None:
        state, first, began = self.state, self.state.step_in_epoch, time.monotonic()
        seconds = state.seconds
        epoch_callback = EpochCallback(
            self.progress,
            steps=steps,
            examples=self.stage.examples,
            writer=writer,
            steps_before=state.step - first,
            first_step=first,
            curve=state.curve,
            names=self.stage.training_curves,
        )

        def save() -> None:
            synchronize(self.model)
            state.curve = epoch_callback.curve
            state.seconds = seconds + time.monotonic() - began
            state.capture_metrics(self.model)
            state.capture_rng(self.model)
            self._save(best=False)

        step_callback = StepCallback(
            state,
            every=self.options.save_every_steps,
            steps=steps,
            save=save,
            interruption=self.interruption,
        )
        dataset = prefetched(lambda: self.stage.batches(state.epoch, first), steps - first)
        if not self.compiled:
            self.progress.phase("compiling the training step")
            self.compiled = True
        self.model.fit(
            dataset, epochs=1, shuffle=False, verbose=0, callbacks=[epoch_callback, step_callback]
        )
        if step_callback.loss is not None:
            raise self._diverged(f"the training loss is {step_callback.loss}")
        self.interruption.check()
        state.seconds = seconds + time.monotonic() - began

    def _validate(self) -> dict[str, float]:
        try:
            with self.interruption.immediately(), self.evaluations.timed():
                metrics = self.stage.evaluate()
        except StoppedError:
            self._save(best=False)
            raise
        self._check_finite("validation", metrics)
        return metrics

    def _save(self, *, best: bool) -> None:
        self._check_weights()
        self.folder.save(self.model, self.history.metrics(), self.state.to_dict(), best=best)

    def _check_weights(self) -> None:
        # A step with a finite loss can still spoil the weights; such weights are never written.
        if spoiled := not_finite(self.model):
            raise self._diverged(f"the weights are no longer finite ({spoiled[0]})")

    def _check_finite(self, split: str, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise self._diverged(f"the {split} {name} is {value}")

    def _diverged(self, what: str) -> TrainingError:
        state = self.state
        steps = self.stage.steps(state.epoch)
        message = f"{what} in epoch {state.epoch + 1}, at step {state.step_in_epoch:,} of {steps:,}"
        examples = self.stage.locate(state.epoch, state.step_in_epoch - 1)
        if examples:
            more = len(examples) - _EXAMPLES_NAMED
            named = ", ".join(examples[:_EXAMPLES_NAMED])
            message += f" (its batch: {named}{f' and {more} more' if more > 0 else ''})"
        return TrainingError(
            f"{message}. Training diverged at or just before this step: start again with a lower "
            "--learning_rate or with --precision=float32, and check that these documents are "
            f"valid. The last good checkpoint in {self.folder.folder} is kept."
        )


def _line(entry: dict[str, Any], num_epochs: int) -> str:
    parts = [f"epoch {entry['epoch']}/{num_epochs}"]
    for split in ("train", "valid"):
        if entry[split]:
            parts.append(f"{split}: {as_text(entry[split])}")
    return " | ".join([*parts, duration(entry["seconds"])])
