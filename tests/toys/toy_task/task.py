"""The toy task: each option is a row, and a softmax over the rows of an example joins them."""

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np

from common.random_streams import random_generator
from data_util.inputs import documents_to_inputs
from data_util.tokens.vocabulary import Vocabulary
from models.layers.joined_rows import log_softmax_over_rows
from models.registry import HEADS
from models.task_model import TaskModel
from tasks.base import Evaluation, Task
from tasks.data import TaskData, TextEncoder
from tasks.rows import softmax_over_rows, split_rows
from tests.toys.toy_task.records import parse, read_examples


@dataclass
class Chosen:
    """The index of the most probable option, and how probable each is."""

    choice: int | None
    probabilities: list[float]


class ToyBatches:
    """Examples in an order that the seed and the epoch give; see `tasks.data.Batches`."""

    def __init__(self, task, examples, text, settings, split):
        self._task, self._text, self._settings, self._split = task, text, settings, split
        self._answers = [example.answer for example in examples]
        self._encoded = task.encode([example.options for example in examples], text)

    def __len__(self):
        return len(self._answers)

    def steps(self, epoch):
        return -(-len(self) // self._settings.batch_size)

    def examples(self, epoch, step):
        order = np.arange(len(self))
        if self._split == "train":
            random_generator(self._settings.seed, "toy order", epoch).shuffle(order)
        size = self._settings.batch_size
        return order[step * size : (step + 1) * size]

    def batches(self, epoch, first_step=0):
        for step in range(first_step, self.steps(epoch)):
            chosen = self.examples(epoch, step)
            inputs = self._task.inputs([self._encoded[index] for index in chosen], self._text)
            targets = [np.eye(len(self._encoded[i]))[self._answers[i]] for i in chosen]
            inputs["example"] = chosen[inputs["example"]].astype(np.int32)
            yield inputs, np.concatenate(targets).astype(np.float32)


class ToyEvaluation(Evaluation):
    """Accuracy. It settles nothing, and counts in `metrics.json` how often it was asked."""

    def validate(self):
        self.found["validations"] = self.found.get("validations", 0) + 1
        return self._metrics("valid")

    def settle(self):
        self.found["settled_at"] = self.found["validations"]

    def test(self):
        metrics = self._metrics("test")
        return metrics, {"test_choices.txt": f"{metrics['accuracy']:.4f}\n"}

    def _metrics(self, split):
        hits, losses = [], []
        for inputs, targets, outputs in self.forward(self.data.batches[split]):
            probabilities = softmax_over_rows(outputs[:, 0], inputs["example"])
            losses += list(-np.log(probabilities[targets == 1]))
            rows = {"p": probabilities, "target": targets}
            for part in split_rows(rows, inputs["example"]):
                hits.append(part["p"].argmax() == part["target"].argmax())
        return {"loss": float(np.mean(losses)), "accuracy": float(np.mean(hits))}


class ToyChoice(Task):
    """Chooses one of several texts."""

    name = "toy_choice"
    score = "accuracy"
    unit = "choices"
    fields: ClassVar = {"options": list[str]}
    result_type = Chosen

    @classmethod
    def prepare(cls, files, settings, options):
        task = cls()
        examples = {
            split: read_examples(paths, options.max_options, settings.max_examples)
            for split, paths in files.items()
        }
        train = examples["train"]
        vocabulary = settings.vocabulary
        if vocabulary is None:
            texts = chain.from_iterable(example.options for example in train)
            counts = Counter(token for text in texts for token in settings.tokenizer.tokenize(text))
            vocabulary = Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)
        text = TextEncoder(settings.tokenizer, vocabulary, settings.sequence_length)
        ids = text.encode([each for example in train for each in example.options])
        return TaskData(
            task=task,
            text=text,
            batches={
                split: ToyBatches(task, found, text, settings, split)
                for split, found in examples.items()
            },
            train_tokens=np.concatenate(ids),
            locate=lambda numbers: [f"{train[n].path}:{train[n].line}" for n in sorted(numbers)],
        )

    def config(self):
        return {"head": "pooled", "num_labels": 1}

    @classmethod
    def from_checkpoint(cls, checkpoint):
        return cls()

    def build_model(self, backbone, dropout):
        head = HEADS["pooled"](backbone.config, 1, dropout, name="head")
        return TaskModel(backbone, head, self)

    def loss(self, inputs, targets, outputs):
        # The cross-entropy of an example is at the row of its answer.
        return -log_softmax_over_rows(outputs[:, 0], inputs["example"]), targets

    def evaluation(self, model, data, forward, found):
        return ToyEvaluation(self, model, data, forward, found)

    def read(self, stream, name):
        for line, text in enumerate(stream, 1):
            example = parse(text.decode(), name, line)
            yield line, None if example is None else example.options

    def record(self, values):
        return tuple(values["options"])

    def is_empty(self, record):
        return not any(text.strip() for text in record)

    def encode(self, records, text):
        ids = iter(text.encode([each for options in records for each in options]))
        return [[next(ids) for _ in options] for options in records]

    def inputs(self, encoded, text):
        rows = [ids for options in encoded for ids in options]
        packed = documents_to_inputs(rows, text.vocabulary, text.sequence_length)
        sizes = [len(options) for options in encoded]
        return {**packed, "example": np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)}

    def sample(self, length, text):
        return [np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)] * 2

    def results(self, encoded, outputs, top_k=0):
        results = []
        for rows in outputs:
            probabilities = softmax_over_rows(rows[:, 0], np.zeros(len(rows)))
            results.append(
                {
                    "choice": int(probabilities.argmax()),
                    "probabilities": [round(float(each), 6) for each in probabilities],
                }
            )
        return results

    def empty_result(self):
        return {"choice": None, "probabilities": []}
