"""What the training loop asks of pre-training and of fine-tuning."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


def _no_examples(epoch: int, step: int) -> list[str]:
    return []


def _never() -> bool:
    return False


def _nothing_to_settle() -> None:
    return None


@dataclass(frozen=True)
class Stage:
    """What the training loop asks of a stage.

    Attributes:
        name: the first part of the names of its curves.
        batches: the batches of an epoch (from 0), from a step (from 0) on, as `model.fit` takes
            them.
        steps: the number of batches of an epoch.
        examples: sequences in an epoch.
        evaluate: the metrics of the whole validation set.
        score: the name of the metric of `evaluate` that chooses the best epoch.
        lower_is_better: whether the lowest score is the best, as of a loss.
        train_metrics: which of the metrics of `fit` are kept as those of the training set.
        locate: where the examples of a batch (epoch and step, from 0) are in their files, for
            messages.
        settle: called after a validation that is the best so far, before its checkpoint is written.
        improved: whether a part of the model did better in the last validation than ever before,
            so that training continues although the score is no better.
    """

    name: str
    batches: Callable[[int, int], Iterator[Any]]
    steps: Callable[[int], int]
    examples: int
    evaluate: Callable[[], dict[str, float]]
    score: str
    train_metrics: tuple[str, ...]
    lower_is_better: bool = False
    locate: Callable[[int, int], list[str]] = _no_examples
    settle: Callable[[], None] = _nothing_to_settle
    improved: Callable[[], bool] = _never
