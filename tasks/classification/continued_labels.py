"""What a classifier keeps of an earlier one whose labels need not be the same."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from models.checkpoints.transfer import copy_labels
from models.task_model import TaskModel
from tasks.base import Task

if TYPE_CHECKING:
    from tasks.classification.classification import Classification

_NAMED = 5


def continue_labels(
    task: "Classification", model: TaskModel, before: Task, source: TaskModel
) -> str | None:
    """Copies the head and, for labels that both tasks have, the weights of their scores.

    New labels start as in a new head: with random weights, and their frequency as a bias. What
    validation chooses (thresholds, the calibration) and the TF-IDF classifier, which is the exact
    solution for the training texts, are made anew.

    Args:
        task: the task of `model`.
        model: a built model, which is changed.
        before: the task of `source`.
        source: the earlier model.

    Returns:
        See `Task.continue_head`.
    """
    # Scores of a softmax say something else than those of independent labels.
    if not isinstance(before, type(task)) or before.head != task.head:
        return None
    kept = copy_labels(model.head, task.labels, source.head, before.labels)
    if kept is None:
        return None
    return described(kept, new=_missing(task.labels, before), dropped=_missing(before.labels, task))


def described(kept: int, new: Collection[str], dropped: Collection[str]) -> str:
    """Says which labels keep their weights.

    >>> described(12, new=("盗窃",), dropped=())
    '12 labels keep their weights, 1 is new (盗窃)'
    """
    text = "1 label keeps its weights" if kept == 1 else f"{kept:,} labels keep their weights"
    for labels, what in ((new, "new"), (dropped, "dropped")):
        if labels:
            first, more = list(labels)[:_NAMED], len(labels) - _NAMED
            named = ", ".join([*first, *([f"{more:,} more"] if more > 0 else [])])
            text += f", {len(labels):,} {'is' if len(labels) == 1 else 'are'} {what} ({named})"
    return text


def _missing(labels: Collection[str], task: "Classification") -> list[str]:
    known = set(task.labels)
    return [label for label in labels if label not in known]
