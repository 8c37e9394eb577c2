"""How much of the backbone a run trains: from the options to the weights and their rates."""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import keras

from common.errors import ConfigError, OptionError
from models.checkpoints.folder import Checkpoint
from models.checkpoints.part import base_entry, shared_variables
from models.checkpoints.transfer import RestoreReport
from models.registry import TUNING_OPTIONS, TUNINGS
from models.task_model import TaskModel
from models.tuning.base import Freezing, Tuning, level_weights
from models.tuning.stored import stored, stored_tuning
from training.loop.optimizer import AdamW, make_optimizer
from training.options.scripts import FineTuningOptions
from training.preparation import architecture

logger = logging.getLogger(__name__)

_EVER = 1 << 31


def chosen(options: FineTuningOptions) -> Tuning:
    """The tuning that the options name, with its own options."""
    settings = {}
    if options.tuning in TUNING_OPTIONS:
        names = TUNING_OPTIONS[options.tuning]().to_dict()
        settings = {name: getattr(options, name) for name in names}
    return TUNINGS[options.tuning](**settings)


def check(options: FineTuningOptions, checkpoint: Checkpoint | None) -> None:
    """Checks that the tuning can start from a checkpoint, before any text is read.

    Raises:
        OptionError: it cannot.
        CheckpointError: the checkpoint holds only what was trained on top of another one.
    """
    tuning = chosen(options)
    if tuning.first_epoch(0, levels=2) and keras.backend.backend() != "tensorflow":
        # Keras' optimizers update all of their variables in each step there.
        raise OptionError(f"--tuning={options.tuning} needs TensorFlow: leave out KERAS_BACKEND.")
    if checkpoint is None:
        if tuning.needs_checkpoint:
            raise OptionError(
                f"--tuning={options.tuning}: most of the backbone stays as it is, so it must have "
                "been trained: name a checkpoint with --ckpt_dir."
            )
        return
    try:
        before = stored_tuning(checkpoint.config)
    except ConfigError as error:
        raise OptionError(f"--ckpt_dir={checkpoint.folder}: {error}") from error
    if not before.is_mergeable:
        raise OptionError(
            f"--ckpt_dir={checkpoint.folder}: this checkpoint was tuned with "
            f"--tuning={before.name}, and what was added to its backbone would be lost. Start from "
            "the checkpoint that it was tuned from."
        )
    if tuning.holds_part:
        base_entry(checkpoint)


def build(model: TaskModel, options: FineTuningOptions) -> TaskModel:
    """Builds a model with what the options add to it, and returns it."""
    if options.weighted_layers:
        model.weight_layers()
    return chosen(options).build(model)


def report_of(
    report: RestoreReport,
    options: FineTuningOptions,
    model: TaskModel,
    source: keras.Model,
    checkpoint: Checkpoint,
) -> RestoreReport:
    """Adds to a report what a checkpoint of the run can leave to the one that it started from.

    Args:
        report: of the weights that were restored.
        options: of the run.
        model: built, as training starts from it.
        source: the model of the checkpoint.
        checkpoint: that of `source`.
    """
    tuning = chosen(options)
    if not tuning.holds_part:
        return report
    shared = shared_variables(model, source, tuning.trained(model.backbone, _EVER))
    return dataclasses.replace(report, shared=shared, base=base_entry(checkpoint))


def metadata(options: FineTuningOptions, report: RestoreReport | None) -> dict[str, Any]:
    """The entries of `config.json` without which the checkpoint of the run cannot be read."""
    entries = stored(chosen(options))
    if options.weighted_layers:
        entries["weighted_layers"] = True
    if report is not None and report.base is not None:
        entries["base"] = dict(report.base)
    return entries


class TunedBackbone:
    """Trains those weights of a model's backbone that the tuning names, epoch by epoch.

    Once it is made, all weights that the run will ever train are trainable, as the optimizer needs
    them to be when it is built.

    Args:
        model: built.
        options: of the run.

    Attributes:
        tuning: the tuning.
        parameters: how many parameters of the model the run ever trains.
    """

    def __init__(self, model: TaskModel, options: FineTuningOptions) -> None:
        self.tuning = chosen(options)
        self._model, self._options = model, options
        self._freezing = Freezing(model)
        self._train(_EVER)
        self._ever = len(self._trained)
        self.parameters = sum(_size(weight) for weight in model.trainable_weights)

    def _train(self, epoch: int) -> None:
        self._freezing.train(self.tuning.trained(self._model.backbone, epoch))
        self._trained = [each.path for each in self._model.backbone.trainable_weights]

    def begin_epoch(self, epoch: int) -> bool:
        """See `Stage.begin_epoch`."""
        before = self._trained
        self._train(epoch)
        return before != self._trained

    @property
    def is_unfreezing(self) -> bool:
        """Whether weights will be trained that are not trained in the current epoch yet."""
        return len(self._trained) < self._ever

    def optimizer(self, steps: int, steps_of: Callable[[int], int]) -> AdamW:
        """The optimizer of the run.

        Args:
            steps: of the whole run.
            steps_of: returns the number of steps of an epoch (from 0).
        """
        model, options = self._model, self._options
        backbone_rate = architecture.learning_rate(options, model.backbone.config, "fine_tuning")
        head_rate = options.head_learning_rate
        peak = max(backbone_rate, head_rate)
        optimizer = make_optimizer(options, peak, steps, options.schedule)
        if peak > 0:
            backbone = {id(weight) for weight in model.backbone.weights}
            head = [each for each in model.trainable_weights if id(each) not in backbone]
            optimizer.scale_learning_rate(head, head_rate / peak)
            rate = backbone_rate / peak
            for weights in reversed(level_weights(model.backbone)):
                optimizer.scale_learning_rate(weights, rate)
                rate *= options.layer_decay
        levels = level_weights(model.backbone)
        for level, weights in enumerate(levels):
            first = self.tuning.first_epoch(level, len(levels))
            if first:
                optimizer.begin_at(weights, sum(map(steps_of, range(first))))
        return optimizer


def _size(weight: keras.Variable) -> int:
    size = 1
    for dimension in weight.shape:
        size *= int(dimension)
    return size
