"""Loads the task and the model of a checkpoint."""

from typing import TYPE_CHECKING, Any

from common.errors import CheckpointError, ConfigError
from models.checkpoints.folder import CONFIG, Checkpoint
from tasks.base import Task
from tasks.registry import PRETRAINED_TASKS, TASKS

if TYPE_CHECKING:
    from models.task_model import TaskModel


def load_task(checkpoint: Checkpoint, *, pretrained: bool = False) -> Task:
    """The task that a checkpoint was fine-tuned for.

    Args:
        checkpoint: the checkpoint.
        pretrained: whether it may also be only pre-trained; then the task is what it can do as it
            is, of `tasks.registry.PRETRAINED_TASKS`.

    Raises:
        CheckpointError: it was not fine-tuned, or for an unknown task.
        InputError: one of the task's files is not as the task writes it.
    """
    if "task" not in checkpoint.config:
        found = _pretrained_task(checkpoint) if pretrained else None
        if found is None:
            raise CheckpointError(
                f"{checkpoint.folder}: this checkpoint is only pre-trained and has no task. Run "
                "train_bert_fine_tuning.py on it first."
            )
        return found
    name = checkpoint.setting("task", str)
    if name not in TASKS:
        raise CheckpointError(
            f"{checkpoint.folder / CONFIG}: task must be one of {', '.join(TASKS)}, not "
            f"{name!r:.80}."
        )
    return TASKS[name].from_checkpoint(checkpoint)


def has_task(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint gives results: it is fine-tuned, or pre-trained for what needs no more.

    Raises:
        CheckpointError, InputError: its files are not as pre-training writes them.
    """
    return "task" in checkpoint.config or _pretrained_task(checkpoint) is not None


def _pretrained_task(checkpoint: Checkpoint) -> Task | None:
    found = (PRETRAINED_TASKS[name](checkpoint) for name in PRETRAINED_TASKS)
    return next((task for task in found if task is not None), None)


def load_task_model(checkpoint: Checkpoint, *, pretrained: bool = False) -> tuple[Task, Any]:
    """The task of a checkpoint, and the model with its weights.

    Args:
        checkpoint, pretrained: as for `load_task`.

    Returns:
        The task, and a `TaskModel`; of a checkpoint that is only pre-trained, the model of
        pre-training.

    Raises:
        CheckpointError, InputError: as for `load_task`, or the weights belong to another model.
    """
    from models.checkpoints.weights import load_model, load_weights
    from models.tuning.stored import stored_tuning

    task = load_task(checkpoint, pretrained=pretrained)
    if "task" not in checkpoint.config:
        return task, load_model(checkpoint)
    model = build_task_model(task, checkpoint)
    load_weights(model, checkpoint)
    # Whatever comes next is faster without its own updates, and need not know of them.
    stored_tuning(checkpoint.config).merge(model.backbone)
    return task, model


def build_task_model(task: Task, checkpoint: Checkpoint) -> "TaskModel":
    """The model that a fine-tuned checkpoint's `config.json` describes, with fresh weights.

    Raises:
        CheckpointError: it describes no valid model.
    """
    # Imported here: an exported model has a task, too, and runs without Keras.
    from models.backbones.base import make_backbone
    from models.tuning.stored import stored_tuning

    config = checkpoint.backbone  # checks the size before a model takes memory
    dropout: Any = checkpoint.config.get("head_dropout")
    if type(dropout) not in (int, float):
        raise CheckpointError(
            f"{checkpoint.folder / CONFIG}: head_dropout must be a number, not {dropout!r:.80}."
        )
    try:
        model = task.build_model(make_backbone(config), dropout)
        if checkpoint.config.get("weighted_layers") is True:
            model.weight_layers()
        return stored_tuning(checkpoint.config).build(model)
    except ConfigError as error:
        raise CheckpointError(f"{checkpoint.folder / CONFIG}: {error}") from error
