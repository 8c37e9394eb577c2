"""Of a task whose examples have several rows; tests/tasks has one whose examples have one each."""

import numpy as np
import pytest

from data_util.inputs import pairs_to_inputs
from data_util.labelled.batches import LabelledBatches, LabelledExamples
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(100))])


class Choices(LabelledExamples):
    """A question with two to four answers; which is right."""

    def __init__(self, count: int = 45) -> None:
        generator = np.random.default_rng(0)

        def text(longest: int) -> np.ndarray:
            return generator.integers(5, 105, generator.integers(1, longest)).astype(np.int32)

        self.examples = []
        for _ in range(count):
            question = text(30)
            self.examples.append([(question, text(20)) for _ in range(generator.integers(2, 5))])
        self.right = np.array([generator.integers(len(rows)) for rows in self.examples])
        self.lengths = np.array(
            [max(len(a) + len(b) + 3 for a, b in rows) for rows in self.examples]
        )

    def rows(self, example):
        return self.examples[example]

    def targets(self, examples):
        return self.right[examples]


def make(examples, **changes):
    options = {"sequence_length": 40, "batch_size": 8, "seed": 1, **changes}
    return LabelledBatches(examples, VOCABULARY, **options)


def in_order(inputs):
    """The examples of a batch, in order."""
    return np.array(list(dict.fromkeys(inputs["example"].tolist())))


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_rows_of_an_example_stand_together(shuffle) -> None:
    examples, seen = Choices(), []
    for inputs, targets in make(examples, shuffle=shuffle).batches(0):
        numbers = in_order(inputs)
        rows = [row for number in numbers for row in examples.examples[number]]
        for name, array in pairs_to_inputs(rows, VOCABULARY, 40).items():
            np.testing.assert_array_equal(inputs[name], array)
        counts = [len(examples.examples[number]) for number in numbers]
        assert inputs["example"].dtype == np.int32
        assert inputs["example"].tolist() == np.repeat(numbers, counts).tolist()
        assert targets.tolist() == examples.right[numbers].tolist()
        seen.append(numbers)
    assert [len(numbers) for numbers in seen] == [8] * 5 + [5]
    assert sorted(np.concatenate(seen)) == list(range(45))


def test_examples_are_ordered_by_their_longest_row() -> None:
    examples = Choices()
    batches = make(examples, shuffle=False).batches(0)
    order = np.concatenate([in_order(inputs) for inputs, _ in batches])
    assert np.all(np.diff(np.minimum(examples.lengths, 40)[order]) >= 0)
    assert make(examples).num_truncated == int((examples.lengths > 40).sum()) > 0


def test_an_epoch_can_be_begun_at_any_step() -> None:
    whole = list(make(Choices()).batches(2))
    tail = list(make(Choices()).batches(2, first_step=3))
    assert len(tail) == len(whole) - 3
    for (left, _), (right, _) in zip(tail, whole[3:], strict=True):
        assert all(np.array_equal(left[name], right[name]) for name in left)
    for step, (inputs, _) in enumerate(whole):
        assert make(Choices()).examples(2, step).tolist() == in_order(inputs).tolist()
