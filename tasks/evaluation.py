"""How a task measures a model, and what it tells of the examples that the model gets wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from reports.blocks import Section
from tasks.data import Batches, TaskData
from tasks.rows import split_rows

if TYPE_CHECKING:
    from models.task_model import TaskModel
    from tasks.base import Task


@dataclass(frozen=True)
class Findings:
    """What a task tells of the test examples.

    Attributes:
        lines: for the log, a few.
        sections: for the report.
    """

    lines: Sequence[str] = ()
    sections: Sequence[Section] = ()


# From the inputs of a batch, arrays by name, to outputs as NumPy arrays.
Outputs = Callable[[Mapping[str, np.ndarray]], Any]
# Compiles the forward pass of a Keras model, which may be a part of another one.
Compile = Callable[[Any], Outputs]


class Forward(Protocol):
    """The compiled forward pass of a model."""

    def __call__(self, batches: Batches) -> Iterator[tuple[dict[str, np.ndarray], Any, Any]]:
        """The inputs, the targets and the model's outputs of each batch of epoch 0, in NumPy.

        Each process of a run gets all batches.
        """

    def compiled(self, part: Any) -> Outputs:
        """The compiled forward pass of another Keras model, such as a part of this one."""


class Evaluation:
    """Measures a model on the validation and the test examples of a run.

    Args:
        task: the task; what validation chooses is also kept here.
        model: the model, whose weights change between two calls.
        data: of the run.
        forward: the model's forward pass.
        found: entries of `metrics.json`. Whatever must survive a resume is kept here, as JSON.
    """

    def __init__(
        self,
        task: "Task",
        model: "TaskModel",
        data: TaskData,
        forward: Forward,
        found: dict[str, Any],
    ) -> None:
        self.task, self.model, self.data = task, model, data
        self.forward, self.found = forward, found

    def validate(self) -> dict[str, float]:
        """Computes the metrics of the validation examples, including the task's score."""
        raise NotImplementedError

    def settle(self) -> None:
        """Keeps what the last validation chose, because it was the best one so far."""

    def measure(self, split: str, read: Callable[[int, Any], Any]) -> tuple[float, list[Any]]:
        """Runs the model on a split whose examples may have several rows.

        Args:
            split: its name.
            read: called with the index of each example and the outputs of its rows.

        Returns:
            The mean loss of the targets, and what `read` returned for each example, in order.
        """
        import keras

        batches = self.data.batches[split]
        found: list[Any] = [None] * len(batches)
        total = weight = 0.0
        for inputs, targets, outputs in self.forward(batches):
            values, weights = map(
                keras.ops.convert_to_numpy, self.task.loss(inputs, targets, outputs)
            )
            total += float((values * weights).sum())
            weight += float(weights.sum())
            numbers = dict.fromkeys(inputs["example"].tolist())
            parts = split_rows(outputs, inputs["example"])
            for number, part in zip(numbers, parts, strict=True):
                found[number] = read(number, part)
        return total / max(weight, 1.0), found

    def part_improved(self) -> bool:
        """Whether a part of the model did better in the last validation than in any before.

        If so, training continues although the score has not improved.
        """
        return False

    def advice(self) -> list[str]:
        """What the user should know about the model of the best epoch, a sentence each."""
        return []

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """Computes the metrics of the test examples, and text files for the checkpoint, by name."""
        raise NotImplementedError

    def findings(self) -> Findings:
        """What there is to say of the test examples beside metrics; called after `test`."""
        return Findings()
