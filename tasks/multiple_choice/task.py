"""Multiple choice: a softmax over the rows of a question, which are its choices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import CheckpointError, ConfigError
from data_util.inputs import rows_to_inputs, token_budget
from data_util.reading.settings import DEFAULT_READING, Reading
from models.checkpoints.folder import CONFIG, Checkpoint
from models.registry import HEADS
from tasks.base import KEPT, Evaluation, Forward, Task
from tasks.data import Line, TextEncoder
from tasks.multiple_choice.options import DEFAULT_HEAD
from tasks.multiple_choice.records import read_lines
from tasks.multiple_choice.rows import EncodedQuestion, encode_question, join_windows
from tasks.rows import softmax_over_rows

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.task_model import TaskModel
    from tasks.multiple_choice.model import ChoiceModel

# The context, the question, the choices.
Record = tuple[str, str, tuple[str, ...]]
# To try, by whether they are Chinese.
_EXAMPLES = {
    True: (
        "小王每天骑车上班，今天下雨，他坐了地铁。",
        "小王今天怎么上班?",
        ["骑车", "坐地铁", "走路"],
    ),
    False: (
        "Tom cycles to work, but it rained today, and he took the train.",
        "How did Tom get to work today?",
        ["By bicycle", "By train", "On foot"],
    ),
}


@dataclass
class Chosen:
    """The answer to a question.

    Attributes:
        choice: the index of the most probable choice, from 0; None if there is nothing to choose.
        probabilities: of each choice, in their order.
    """

    choice: int | None
    probabilities: list[float]


class MultipleChoice(Task):
    """Chooses which of several texts answers a question, perhaps about a context.

    Args:
        head: a key of `models.registry.HEADS`.
        max_windows: the most windows into which a long context is divided.
        comparison: whether a linear classifier of how the choices compare adds to the scores.

    Raises:
        ConfigError: there is no such head.
    """

    name: ClassVar[str] = "multiple_choice"
    data_module: ClassVar[str] = "tasks.multiple_choice.data"
    score = "accuracy"
    unit = "questions"
    truth: ClassVar[str] = "answers"
    fields: Mapping[str, Any] = {"context": str, "question": str, "choices": list[str]}
    defaults: ClassVar[Mapping[str, Any]] = {"context": "", "question": ""}
    result_type: ClassVar[type] = Chosen
    min_sequence_length = 5

    def __init__(
        self, head: str = DEFAULT_HEAD, max_windows: int = 1, *, comparison: bool = False
    ) -> None:
        if not isinstance(head, str) or head not in HEADS:
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, not {head!r:.80}.")
        if not 1 <= max_windows <= 100:
            raise ConfigError(f"max_windows must be from 1 to 100, not {max_windows}.")
        self.head, self.max_windows, self.comparison = head, max_windows, comparison

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`."""
        return {
            "num_labels": 1,
            "head": self.head,
            "max_windows": self.max_windows,
            "comparison": self.comparison,
        }

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """See `Task.from_checkpoint`."""
        # Checkpoints of earlier versions have none.
        comparison = "comparison" in checkpoint.config and checkpoint.setting("comparison", bool)
        head, max_windows = checkpoint.setting("head", str), checkpoint.setting("max_windows", int)
        try:
            return cls(head, max_windows, comparison=comparison)
        except ConfigError as error:
            raise CheckpointError(f"{checkpoint.folder / CONFIG}: {error}") from error

    def summary(self) -> str:
        """The head, and how contexts are read."""
        windows = "" if self.max_windows == 1 else f", contexts in up to {self.max_windows} windows"
        compared = " and comparison of the choices" if self.comparison else ""
        return f"head {self.head}{compared}{windows}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "ChoiceModel":
        """See `Task.build_model`."""
        from tasks.multiple_choice.model import ChoiceModel

        head = HEADS[self.head](backbone.config, 1, dropout, name="head")
        return ChoiceModel(backbone, head, self, self.comparison)

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies the head of an earlier model of multiple choice, if it is of the same kind."""
        from models.checkpoints.copied_head import copy_head

        same = isinstance(before, MultipleChoice) and before.head == self.head
        return KEPT if same and copy_head(model.head, source.head) else None

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """Softmax cross-entropy of each question, which is at the first row of its answer."""
        from tasks.multiple_choice.model import choice_log_probabilities

        found = choice_log_probabilities(outputs[:, 0], inputs["example"], inputs["choice"])
        return -found, targets

    def evaluation(
        self, model: Any, data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.multiple_choice.evaluation import ChoiceEvaluation

        return ChoiceEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`; a record with several questions gives one after the other."""
        return read_lines(stream, name, reading)

    def record(self, values: Mapping[str, Any]) -> Record:
        """See `Task.record`."""
        return values["context"], values["question"], tuple(values["choices"])

    def is_empty(self, record: Record) -> bool:
        """Whether all choices are white space, or there are none."""
        return not any(choice.strip() for choice in record[2])

    def encode(self, records: Sequence[Record], text: TextEncoder) -> list[EncodedQuestion]:
        """The rows of each question."""
        texts = [[context, question, *choices] for context, question, choices in records]
        ids = iter(text.encode([each for texts_of in texts for each in texts_of]))
        return [
            encode_question([next(ids) for _ in each], text.sequence_length, self.max_windows)
            for each in texts
        ]

    def length(self, encoded: EncodedQuestion) -> int:
        """The number of tokens of the longest row."""
        return len(encoded)

    def inputs(
        self, encoded: Sequence[EncodedQuestion], text: TextEncoder
    ) -> dict[str, np.ndarray]:
        """The rows of all questions: see `Task.inputs`."""
        rows = [row for each in encoded for row in each.rows]
        counts = [len(each.rows) for each in encoded]
        inputs = {
            **rows_to_inputs(rows, text.vocabulary, text.sequence_length),
            "example": np.repeat(np.arange(len(counts)), counts).astype(np.int32),
        }
        if self.comparison:
            inputs["comparison"] = np.concatenate([each.comparison for each in encoded])
        return inputs

    def sample(self, length: int, text: TextEncoder) -> EncodedQuestion:
        """Two choices for a context that fills the sequence."""
        unknown = np.full(
            max(token_budget(length, pairs=True), 2), text.vocabulary.unk_id, np.int32
        )
        return encode_question([unknown[2:], unknown[:1], unknown[:1], unknown[:1]], length)

    def results(
        self, encoded: Sequence[EncodedQuestion], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """The most probable choice of each question, and the probabilities of all."""
        results = []
        for each, rows in zip(encoded, outputs, strict=True):
            scores = join_windows(np.asarray(rows, np.float64)[:, 0], each.choice)
            probabilities = softmax_over_rows(scores, np.zeros(len(scores), np.int32))
            rounded = [round(float(value), 6) for value in probabilities]
            results.append({"choice": int(probabilities.argmax()), "probabilities": rounded})
        return results

    def empty_result(self) -> dict[str, Any]:
        """Nothing is chosen."""
        return {"choice": None, "probabilities": []}

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [dict(zip(self.fields, _EXAMPLES[chinese], strict=True))]

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The calibrated scores, (rows, 1): see `serving_decision`."""
        return {"scores": outputs}

    def serving_decision(self) -> dict[str, Any]:
        """How scores become an answer: the maximum over windows, a softmax over choices."""
        return {
            "rows": "one for each choice, or for each window of each choice",
            "windows": "maximum",
            "choices": "softmax",
            "max_windows": self.max_windows,
            "comparison": self.comparison,
        }
