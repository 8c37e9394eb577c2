"""The interface between the training loop and pre-training or fine-tuning."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


def _no_examples(epoch: int, step: int) -> list[str]:
    return []


def _never() -> bool:
    return False


def _nothing_to_settle() -> None:
    return None


def _as_before(epoch: int) -> bool:
    return False


@dataclass(frozen=True)
class Stage:
    """What the training loop needs to know about a stage.

    Attributes:
        name: "pretraining" or "fine_tuning"; the prefix of the names of its curves.
        batches: returns the batches of an epoch, starting at a step (both from 0), as `model.fit`
            expects them.
        steps: returns the number of batches of an epoch (from 0).
        examples: the number of sequences in an epoch.
        evaluate: returns the metrics of the whole validation set.
        score: the name of the metric of `evaluate` that determines the best epoch.
        train_metrics: the names of the metrics of `fit` that are recorded for the training set.
        lower_is_better: whether a lower score is better, as for a loss.
        valid_batches, test_batches: the number of batches of a validation, and of the evaluation
            that follows the training, if there is one; for the estimate of the time left.
        locate: returns the locations of a batch's examples (epoch and step, from 0) in their files,
            for messages.
        measured: leaves out the metrics of `fit` for which there was nothing to measure.
        training_curves: the same, with the names that their curves have.
        settle: called after the best validation so far, before its checkpoint is written.
        improved: returns whether a part of the model reached its own best value in the last
            validation. Training then continues although the score did not improve.
        near_tie: a score that is at most so much below the highest one is the best so far if also
            a part of the model improved.
        begin_epoch: called before the steps of an epoch (from 0); returns whether other weights are
            trained in it than in the epoch before, or than the optimizer was built with.
    """

    name: str
    batches: Callable[[int, int], Iterator[Any]]
    steps: Callable[[int], int]
    examples: int
    evaluate: Callable[[], dict[str, float]]
    score: str
    train_metrics: tuple[str, ...]
    lower_is_better: bool = False
    valid_batches: int = 0
    test_batches: int = 0
    locate: Callable[[int, int], list[str]] = _no_examples
    measured: Callable[[Mapping[str, float]], dict[str, float]] = dict
    training_curves: Callable[[Mapping[str, float]], dict[str, float]] = dict
    settle: Callable[[], None] = _nothing_to_settle
    improved: Callable[[], bool] = _never
    near_tie: float = 0.0
    begin_epoch: Callable[[int], bool] = _as_before
