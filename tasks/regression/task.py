"""Regression: a value for a text, or for a pair of texts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import CheckpointError, ConfigError
from data_util.inputs import Segments, rows_to_inputs
from data_util.reading.fields import PAIR_FIELDS
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.text_pairs import Text
from models.checkpoints.folder import CONFIG, Checkpoint
from models.registry import HEADS
from tasks.base import KEPT, Evaluation, Forward, Task
from tasks.data import Line, TextEncoder
from tasks.regression.records import read_lines

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.calibrated_model import CalibratedModel
    from models.task_model import TaskModel

# To try, by whether they are Chinese: a text, and a pair of texts.
_EXAMPLES = {
    True: ("房间很干净，服务也很好。", "一个人在弹吉他", "有人在弹奏乐器"),
    False: (
        "The room was clean and the staff friendly.",
        "A man plays a guitar.",
        "He makes music.",
    ),
}


@dataclass
class Value:
    """The result for a text, or for a pair.

    Attributes:
        value: None for an empty text.
    """

    value: float | None


class Regression(Task):
    """Gives a value to texts, or to pairs of texts, such as how similar they are.

    Args:
        pairs: whether a record is a pair of texts.
        head: a key of `models.registry.HEADS`; None: the default for this kind of record.
        mean, scale: of the training values: their mean and standard deviation.

    Raises:
        ConfigError: there is no such head, or the numbers cannot be.
    """

    name: ClassVar[str] = "regression"
    data_module: ClassVar[str] = "tasks.regression.data"
    score = "pearson"
    truth: ClassVar[str] = "values"
    result_type: ClassVar[type] = Value

    def __init__(
        self, *, pairs: bool = False, head: str | None = None, mean: float = 0.0, scale: float = 1.0
    ) -> None:
        if head is not None and (not isinstance(head, str) or head not in HEADS):
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, not {head!r:.80}.")
        if not (math.isfinite(mean) and math.isfinite(scale) and scale > 0):
            raise ConfigError(f"mean and scale must be numbers, scale above 0: {mean}, {scale}.")
        self.pairs, self.mean, self.scale = pairs, mean, scale
        self.head = head or ("alignment" if pairs else "max_pooled")
        self.unit = "pairs" if pairs else "texts"
        self.fields = dict.fromkeys(PAIR_FIELDS[0], str) if pairs else {"text": str}
        self.min_sequence_length = 5 if pairs else 3

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`."""
        return {
            "num_labels": 1,
            "head": self.head,
            "pairs": self.pairs,
            "mean": self.mean,
            "scale": self.scale,
        }

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """See `Task.from_checkpoint`."""
        try:
            return cls(
                pairs=checkpoint.setting("pairs", bool),
                head=checkpoint.setting("head", str),
                mean=float(checkpoint.setting("mean", float)),
                scale=float(checkpoint.setting("scale", float)),
            )
        except ConfigError as error:
            raise CheckpointError(f"{checkpoint.folder / CONFIG}: {error}") from error

    def summary(self) -> str:
        """The head, and what the training values are."""
        return f"head {self.head}, values {self.mean:.4g} ± {self.scale:.4g}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "CalibratedModel":
        """See `Task.build_model`."""
        from models.calibrated_model import CalibratedModel

        head = HEADS[self.head](backbone.config, 1, dropout, name="head")
        return CalibratedModel(backbone, head, self, name="regression")

    def start_head(self, model: Any, data: Any) -> None:
        """Gives the model the unit of the values."""
        model.calibration.calibrate(self.scale, self.mean)

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies the head of an earlier model of regression, if it is of the same kind."""
        from models.checkpoints.copied_head import copy_head

        same = isinstance(before, Regression) and before.head == self.head
        return KEPT if same and copy_head(model.head, source.head) else None

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The squared error of the standardized value, (rows,)."""
        from keras import ops

        wanted = (ops.cast(targets, "float32") - self.mean) / self.scale
        return ops.square(outputs[:, 0] - wanted), None

    def evaluation(
        self, model: Any, data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.regression.evaluation import RegressionEvaluation

        return RegressionEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`; values are not read."""
        return read_lines(stream, name, reading, pairs=self.pairs)

    def record(self, values: Mapping[str, Any]) -> Text:
        """See `Task.record`."""
        texts = tuple(values[name] for name in self.fields)
        return (texts[0], texts[1]) if self.pairs else texts[0]

    def is_empty(self, record: Text) -> bool:
        """Whether a text, or one of the two texts of a pair, is only white space."""
        return not all(text.strip() for text in _texts(record))

    def encode(self, records: Sequence[Text], text: TextEncoder) -> list[Segments]:
        """The token ids of the text, or of both texts, of each record."""
        parts = [_texts(record) for record in records]
        ids = iter(text.encode([part for texts in parts for part in texts]))
        return [tuple(next(ids) for _ in texts) for texts in parts]

    def inputs(self, encoded: Sequence[Segments], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`."""
        packed = rows_to_inputs(encoded, text.vocabulary, text.sequence_length)
        return {**packed, "example": np.arange(len(encoded), dtype=np.int32)}

    def sample(self, length: int, text: TextEncoder) -> Segments:
        """See `Task.sample`."""
        ids = np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)
        return (ids, ids[:1]) if self.pairs else (ids,)

    def results(
        self, encoded: Sequence[Segments], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """The value of each record."""
        return [{"value": round(float(rows[0, 0]), 6)} for rows in outputs]

    def empty_result(self) -> dict[str, Any]:
        """No value."""
        return {"value": None}

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        single, *pair = _EXAMPLES[chinese]
        return [dict(zip(self.fields, pair if self.pairs else [single], strict=True))]

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The values, (rows, 1)."""
        return {"value": outputs}


def _texts(record: Text) -> tuple[str, ...]:
    return (record,) if isinstance(record, str) else record
