"""The task: which part of a passage answers a question, if any."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from data_util.inputs import rows_to_inputs
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.base import KEPT, Evaluation, Forward, Task
from tasks.data import Line, TaskData, TextEncoder
from tasks.formats import ResultFormat
from tasks.question_answering.decoding import Decoded, decode, result_of
from tasks.question_answering.encoded import EncodedQuestion, WindowSettings, encode_questions
from tasks.question_answering.files import read_stream
from tasks.question_answering.options import HEADS, RULES
from tasks.question_answering.records import Question
from tasks.question_answering.result import AnswerTable
from tasks.question_answering.squad_format import SquadFormat
from tasks.question_answering.stored import NULL_THRESHOLD, stored_settings, stored_threshold

# The methods that train and measure import what they need themselves: see `tasks.base`.
if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.checkpoints.folder import Checkpoint
    from models.task_model import TaskModel


Record = tuple[str, str]


class QuestionAnswering(AnswerTable, Task):
    """Finds the answer to a question in a passage.

    A record is a question and its passage. A passage that is longer than a sequence is read in
    windows, each of which is a row of the batch.

    Args:
        head: one of `HEADS`.
        windows: how passages are divided.
        max_answer_tokens: of the longest answer.
        num_best: the most answers that are compared.
        rules: how answers are compared, one of `RULES`.
        null_threshold: the log-odds of the best answer against none from which it is given; None:
            it always is.
        settles: whether validation chooses the threshold.
    """

    name: ClassVar[str] = "question_answering"
    data_module: ClassVar[str] = "tasks.question_answering.data"
    score = "f1"
    unit = "questions"
    truth: ClassVar[str] = "answers"
    formats: ClassVar[Mapping[str, type[ResultFormat]]] = {"squad": SquadFormat}
    min_sequence_length = 5

    def __init__(
        self,
        head: str = "aligned_span",
        windows: WindowSettings | None = None,
        *,
        max_answer_tokens: int = 30,
        num_best: int = 20,
        rules: str = "english",
        null_threshold: float | None = None,
        settles: bool = False,
    ) -> None:
        self.head, self.windows = head, windows or WindowSettings()
        self.max_answer_tokens, self.num_best = max_answer_tokens, num_best
        self.rules = rules
        self.null_threshold, self.settles = null_threshold, settles

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """The head, and all that an answer depends on but the threshold, in `metrics.json`."""
        return {
            "head": self.head,
            "window_overlap": self.windows.window_overlap,
            "max_question_tokens": self.windows.max_question_tokens,
            "max_answer_tokens": self.max_answer_tokens,
            "num_best": self.num_best,
            "answer_rules": self.rules,
        }

    @classmethod
    def from_checkpoint(cls, checkpoint: "Checkpoint") -> Self:
        """See `Task.from_checkpoint`."""
        stored = stored_settings(checkpoint, {"head": HEADS, "answer_rules": RULES})
        return cls(
            stored["head"],
            WindowSettings(stored["window_overlap"], stored["max_question_tokens"]),
            max_answer_tokens=stored["max_answer_tokens"],
            num_best=stored["num_best"],
            rules=stored["answer_rules"],
            null_threshold=stored_threshold(checkpoint),
        )

    def use_decision(
        self,
        threshold: float | None = None,
        threshold_file: str = "",
        at_least_one: bool | None = None,
    ) -> None:
        """See `Task.use_decision`; there is one threshold, see `QuestionAnsweringOptions`."""
        super().use_decision(None, threshold_file, at_least_one)
        if threshold is not None:
            self.null_threshold = log_odds_of(threshold)

    def summary(self) -> str:
        """The head and the rules."""
        return f"head {self.head}, answers of at most {self.max_answer_tokens} tokens, {self.rules}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "TaskModel":
        """See `Task.build_model`."""
        from models.heads.aligned_span import AlignedSpanHead
        from models.heads.span import SpanHead
        from models.task_model import TaskModel

        kind = {"aligned_span": AlignedSpanHead, "span": SpanHead}[self.head]
        head = kind(backbone.config, dropout, name="head")
        return TaskModel(backbone, head, self)

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies the whole head, if it is of the same kind and size."""
        from models.checkpoints.copied_head import copy_head

        same = isinstance(before, QuestionAnswering) and before.head == self.head
        return KEPT if same and copy_head(model.head, source.head) else None

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The negative log-likelihood that one of the answers in the window is found.

        The probability of an answer is that of its start times that of its end; those of all
        answers of a window are added up, so that training may choose among them (Clark and Gardner
        2018, section 3.1, https://arxiv.org/abs/1710.10723). In a window without one the answer is
        [CLS].

        Returns:
            Values and weights, (rows,) float32 each.
        """
        from keras import ops

        starts, ends = targets["starts"], targets["ends"]
        log_probabilities = ops.log_softmax(outputs, axis=1)
        there = starts >= 0
        joint = sum(
            ops.take_along_axis(log_probabilities[:, :, which], ops.maximum(places, 0), axis=1)
            for which, places in enumerate((starts, ends))
        )
        values = -ops.logsumexp(ops.where(there, joint, -1e9), axis=1)
        return values, targets["row_weights"]

    def evaluation(
        self, model: "TaskModel", data: TaskData, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.question_answering.evaluation import QuestionEvaluation

        return QuestionEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`."""
        for number, found in read_stream(stream, name, reading, labelled=False):
            if isinstance(found, Question):
                record = None if self.is_empty(found.record) else found.record
                yield Line(number, record, found.id)
            else:
                yield Line(number, error=found)

    def record(self, values: Mapping[str, Any]) -> Record:
        """See `Task.record`."""
        return values["question"], values["context"]

    def is_empty(self, record: Record) -> bool:
        """Whether the question or the passage is only white space."""
        return not all(text.strip() for text in record)

    def encode(self, records: Sequence[Record], text: TextEncoder) -> list[EncodedQuestion]:
        """See `Task.encode`."""
        return encode_questions(records, text, self.windows)

    def length(self, encoded: EncodedQuestion) -> int:
        """The number of tokens in the longest row."""
        return len(encoded)

    def inputs(
        self, encoded: Sequence[EncodedQuestion], text: TextEncoder
    ) -> dict[str, np.ndarray]:
        """See `Task.inputs`; a row for each window."""
        rows = [row for each in encoded for row in each.rows()]
        counts = [len(each.windows) for each in encoded]
        return {
            **rows_to_inputs(rows, text.vocabulary, text.sequence_length),
            "example": np.repeat(np.arange(len(counts)), counts).astype(np.int32),
        }

    def sample(self, length: int, text: TextEncoder) -> EncodedQuestion:
        """See `Task.sample`; the passage has one window."""
        count = max(length - 4, 1)
        ids = np.full(count, text.vocabulary.unk_id, np.int32)
        places = np.arange(count)
        spans = np.stack([places, places + 1], axis=1)
        return EncodedQuestion(ids[:1], ids, spans, "?" * count, [(0, count)])

    def decode(self, encoded: EncodedQuestion, outputs: np.ndarray) -> Decoded:
        """The most probable answers to a question.

        Args:
            encoded: the question.
            outputs: (its windows, length, 2) float, of the model.
        """
        return decode(encoded, outputs, self.max_answer_tokens, self.num_best)

    def results(
        self, encoded: Sequence[EncodedQuestion], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """{"answer", "start", "end", "probability"}: see `tasks.question_answering.result`."""
        return [
            result_of(each, self.decode(each, scores), self.null_threshold, top_k)
            for each, scores in zip(encoded, outputs, strict=True)
        ]

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The scores of each position as the start and as the end, (rows, length) each."""
        return {"start": outputs[:, :, 0], "end": outputs[:, :, 1]}

    def served_outputs(self, found: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `Task.served_outputs`."""
        return np.stack([found["start"], found["end"]], axis=-1)

    def serving_decision(self) -> dict[str, Any]:
        """What a client needs for windows, for the search and for the decision."""
        return {**self.config(), NULL_THRESHOLD: self.null_threshold}


def log_odds_of(probability: float) -> float | None:
    """The log-odds of a threshold; None for 0, which every answer reaches."""
    if probability <= 0:
        return None
    return math.log(probability) - math.log1p(-min(probability, 1 - 1e-12))
