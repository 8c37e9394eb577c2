"""The toy task: a softmax over the rows of an example, which are its options."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import InputError
from data_util.inputs import documents_to_inputs
from data_util.labelled.batches import LabelledBatches
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.tokens.vocabulary import Vocabulary
from models.backbones.base import Backbone
from models.checkpoints.folder import Checkpoint
from models.layers.joined_rows import log_softmax_over_rows
from models.registry import HEADS
from models.task_model import TaskModel
from tasks.base import Evaluation, Forward, Task
from tasks.data import DataSettings, Files, Line, TaskData, TextEncoder
from tasks.rows import softmax_over_rows
from tests.toys.toy_task.batches import ToyExamples
from tests.toys.toy_task.metrics import ToyEvaluation
from tests.toys.toy_task.records import parse, read_choices


@dataclass
class Chosen:
    """The index of the most probable option, and how probable each is."""

    choice: int | None
    probabilities: list[float]


class ToyTask(Task):
    """Chooses one of several texts."""

    name: ClassVar[str] = "toy"
    score: ClassVar[str] = "accuracy"
    unit = "choices"
    fields: Mapping[str, Any] = {"options": list[str]}
    result_type: ClassVar[type] = Chosen

    # From files to batches.

    @classmethod
    def prepare(cls, files: Files, settings: DataSettings, options: Any) -> TaskData:
        task, splits, batches = cls(), {}, {}
        for split, paths in files.items():
            splits[split] = read_choices(paths, options.max_options, settings.max_examples)
        vocabulary = settings.vocabulary
        if vocabulary is None:
            texts = chain.from_iterable(choice.options for choice in splits["train"])
            counts = Counter(chain.from_iterable(map(settings.tokenizer.tokenize, texts)))
            vocabulary = Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)
        text = TextEncoder(settings.tokenizer, vocabulary, settings.sequence_length)
        for split, choices in splits.items():
            encoded = task.encode([choice.options for choice in choices], text)
            batches[split] = LabelledBatches(
                ToyExamples(choices, encoded),
                vocabulary,
                sequence_length=settings.sequence_length,
                batch_size=settings.batch_size,
                seed=settings.seed,
                shuffle=split == "train",
            )
        train = splits["train"]
        tokens = text.encode([each for choice in train for each in choice.options])
        return TaskData(
            task=task,
            text=text,
            batches=batches,
            train_tokens=np.concatenate(tokens),
            locate=lambda numbers: [train[number].place for number in sorted(numbers)],
        )

    # The model.

    def config(self) -> dict[str, Any]:
        return {"head": "pooled", "num_labels": 1}

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        return cls()

    def build_model(self, backbone: Backbone, dropout: float) -> TaskModel:
        head = HEADS["pooled"](backbone.config, 1, dropout, name="head")
        return TaskModel(backbone, head, self)

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        # The cross-entropy of an example is at the row of its answer.
        return -log_softmax_over_rows(outputs[:, 0], inputs["example"]), targets

    def evaluation(
        self, model: TaskModel, data: TaskData, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        return ToyEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        for number, text in enumerate(stream, 1):
            try:
                choice = parse(text.decode(), name, number)
            except InputError as error:
                yield Line(number, error=error)
            else:
                yield Line(number, None if choice is None else choice.options)

    def record(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(values["options"])

    def is_empty(self, record: tuple[str, ...]) -> bool:
        return not any(text.strip() for text in record)

    def encode(
        self, records: Sequence[tuple[str, ...]], text: TextEncoder
    ) -> list[list[np.ndarray]]:
        ids = iter(text.encode([each for options in records for each in options]))
        return [[next(ids) for _ in options] for options in records]

    def inputs(self, encoded: Sequence[Any], text: TextEncoder) -> dict[str, np.ndarray]:
        rows = [ids for options in encoded for ids in options]
        inputs = documents_to_inputs(rows, text.vocabulary, text.sequence_length)
        sizes = [len(options) for options in encoded]
        return {**inputs, "example": np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)}

    def sample(self, length: int, text: TextEncoder) -> list[np.ndarray]:
        return [np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)] * 2

    def results(
        self, encoded: Sequence[Any], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        results = []
        for rows in outputs:
            probabilities = softmax_over_rows(rows[:, 0], np.zeros(len(rows)))
            rounded = [round(float(each), 6) for each in probabilities]
            results.append({"choice": int(probabilities.argmax()), "probabilities": rounded})
        return results

    def empty_result(self) -> dict[str, Any]:
        return {"choice": None, "probabilities": []}
