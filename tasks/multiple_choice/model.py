"""The model of multiple choice, and from the scores of rows to the probabilities of choices."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from models.backbones.base import Backbone
from models.build import INPUTS, Array
from models.calibrated_model import CalibratedModel
from models.heads.base import ClassificationHead
from models.heads.linear_scores import LinearScores
from models.layers.joined_rows import log_softmax_over_rows, max_over_rows
from models.task_model import TaskLoss
from tasks.multiple_choice.comparison import FEATURE_NAMES

# Far below every score, and finite.
_NEVER = -1e9


class ChoiceModel(CalibratedModel):
    """Scores rows, each with a choice.

    Args:
        backbone: the backbone.
        head: gives (rows, 1) scores.
        task: gives the loss.
        compared: whether a linear classifier of how the choices compare adds to the scores. It is
            not used in training, so that the two make different errors.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: ClassificationHead,
        task: TaskLoss,
        compared: bool = False,
        name: str = "multiple_choice",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, head, task, name=name, **kwargs)
        # The weights file uses this attribute name.
        self.comparison = LinearScores(len(FEATURE_NAMES), name="comparison") if compared else None

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of a batch that it reads, by name."""
        if self.comparison is None:
            return dict(INPUTS)
        return {**INPUTS, "comparison": Array(("batch", len(FEATURE_NAMES)), "float32")}

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        super().build(input_shape)
        if self.comparison is not None and not self.comparison.built:
            self.comparison.build()

    def combined(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """Adds the scores of the linear classifier; (rows, 1) float32.

        Args:
            outputs: (rows, 1) float32, of the head.
            inputs: with "comparison", the features of the choice of each row, (rows, features)
                float32.
        """
        if self.comparison is None:
            return outputs
        return self.comparison(outputs, inputs["comparison"])


def choice_log_probabilities(scores: Any, example: Any, choice: Any) -> Any:
    """The log-probability of each choice: a softmax over the choices of each question.

    A choice of several rows has the highest of their scores.

    Args:
        scores: (rows,) float.
        example: (rows,) int, the question of each row.
        choice: (rows,) int, its choice; the rows of a choice are adjacent.

    Returns:
        (rows,), of which the first row of each choice has its log-probability.
    """
    changes = ops.logical_or(
        ops.not_equal(example[1:], example[:-1]), ops.not_equal(choice[1:], choice[:-1])
    )
    numbers = ops.pad(ops.cumsum(ops.cast(changes, "int32")), [[1, 0]])
    first = ops.pad(ops.cast(changes, "int32"), [[1, 0]], constant_values=1)
    joined = ops.where(first > 0, max_over_rows(scores, numbers), _NEVER)
    return log_softmax_over_rows(joined, example)
