"""What the head of a task takes from the heads of the checkpoint that fine-tuning starts from."""

import logging

import keras

from models.checkpoints.copied_head import copy_head
from models.checkpoints.folder import Checkpoint
from models.checkpoints.transfer import start_head, take_over_head
from models.checkpoints.weights import load_model
from models.heads.base import ClassificationHead
from models.task_model import TaskModel
from tasks.base import Task
from tasks.loading import load_task_model

logger = logging.getLogger(__name__)


def load_source(checkpoint: Checkpoint) -> tuple[keras.Model, Task | None]:
    """The model of a checkpoint of any stage, and its task if it was fine-tuned.

    Raises:
        CheckpointError, InputError: the checkpoint cannot be used.
    """
    if "task" in checkpoint.config:
        task, model = load_task_model(checkpoint)
        return model, task
    return load_model(checkpoint), None


def start_from_checkpoint(
    model: TaskModel, task: Task, source: keras.Model, before: Task | None, checkpoint: Checkpoint
) -> None:
    """Initializes the head from that of an earlier fine-tuning, or from that of an objective.

    Args:
        model: a built model of the task.
        task: the task.
        source, before: from `load_source`.
        checkpoint: that of `source`.

    Raises:
        CheckpointError: the head starts from an objective that the checkpoint was not pre-trained
            with, or the checkpoint's labels do not belong to its model.
    """
    head = model.head
    if before is not None:
        if (kept := task.continue_head(model, before, source)) is not None:
            logger.info("%s: %s", checkpoint.folder, kept)
            return
        logger.warning(
            "%s: its task or head (%s, %s) is another one: the head starts from random weights",
            checkpoint.folder,
            before.name,
            before.summary(),
        )
    if head.starts_from:
        start_head(head, source, checkpoint.folder)
        logger.info(
            "%s: the head starts from the weights of the %s head",
            checkpoint.folder,
            head.starts_from,
        )
    if head.takes_over and head.takes_over in checkpoint.config.get("objectives", ()):
        started = _take_over(model, task, source, checkpoint)
        if started is None:
            logger.warning(
                "%s: its %s head has other sizes: the head starts from random weights",
                checkpoint.folder,
                head.takes_over,
            )
        else:
            logger.info("%s: the head %s", checkpoint.folder, started)


def _take_over(
    model: TaskModel, task: Task, source: keras.Model, checkpoint: Checkpoint
) -> str | None:
    """What the head has taken from the objective that it `takes_over`; None if nothing fits."""
    head = model.head
    if not isinstance(head, ClassificationHead):
        learned = next(each.head for each in source.heads if each.name == head.takes_over)
        return f"starts from that of {head.takes_over}" if copy_head(head, learned) else None
    # Tasks that do not score labels have none by name.
    labels = task.labels if task.explains else ()
    started = take_over_head(head, labels, source, checkpoint)
    if started is None:
        return None
    return (
        f"starts from the {head.takes_over} head, with the scores of {started} of {len(labels)} "
        "labels"
    )
