"""What the head of a task takes from the heads of pre-training."""

import logging

import keras

from models.checkpoints.folder import Checkpoint
from models.checkpoints.transfer import start_head, take_over_head
from models.task_model import TaskModel
from tasks.base import Task

logger = logging.getLogger(__name__)


def start_from_pretraining(
    model: TaskModel, task: Task, source: keras.Model, checkpoint: Checkpoint
) -> None:
    """Initializes the head from that of an objective, if it starts from one or takes one over.

    Args:
        model: a built model of the task.
        task: the task.
        source: the pre-trained model.
        checkpoint: that of `source`.

    Raises:
        CheckpointError: the head starts from an objective that the checkpoint was not pre-trained
            with, or the checkpoint's labels do not belong to its model.
    """
    head = model.head
    if head.starts_from:
        start_head(head, source, checkpoint.folder)
        logger.info(
            "%s: the head starts from the weights of the %s head",
            checkpoint.folder,
            head.starts_from,
        )
    if head.takes_over and head.takes_over in checkpoint.config.get("objectives", ()):
        # Tasks that do not score labels have none by name.
        labels = task.labels if task.explains else ()
        started = take_over_head(head, labels, source, checkpoint)
        if started is None:
            logger.warning(
                "%s: its %s head has other sizes: the head starts from random weights",
                checkpoint.folder,
                head.takes_over,
            )
        else:
            logger.info(
                "%s: the head starts from the %s head, with the scores of %d of %d labels",
                checkpoint.folder,
                head.takes_over,
                started,
                len(labels),
            )
