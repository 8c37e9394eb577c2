"""The rows of the toy task: one for each option."""

from collections.abc import Sequence

import numpy as np

from data_util.inputs import Segments
from data_util.labelled.batches import LabelledExamples
from tests.toys.toy_task.records import Choice


class ToyExamples(LabelledExamples):
    """Examples whose options are encoded.

    Args:
        choices: the examples.
        encoded: for each, the token ids of its options.
    """

    def __init__(self, choices: Sequence[Choice], encoded: Sequence[list[np.ndarray]]) -> None:
        self._choices, self._encoded = choices, encoded
        self.lengths = np.array([2 + max(map(len, options)) for options in encoded])

    def rows(self, example: int) -> list[Segments]:
        """The options."""
        return [(ids,) for ids in self._encoded[example]]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows,) float32: 1 for the right option of each example."""
        choices = [self._choices[number] for number in examples]
        targets = [np.arange(len(choice.options)) == choice.answer for choice in choices]
        return np.concatenate(targets).astype(np.float32)
