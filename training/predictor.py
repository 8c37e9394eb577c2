"""Prediction with a model, whatever runs it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.checkpoints.folder import Checkpoint
from tasks.base import Encoded, Record, Task
from tasks.data import TextEncoder
from tasks.rows import split_rows


class TaskPredictor:
    """From records to results; a subclass loads a model and runs it.

    `training.prediction.Predictor` runs a checkpoint, `conversion.exported_predictor` an export.

    Attributes:
        checkpoint: the files that the model came with.
        metrics: the content of its metrics.json.
        task: what it gives results for.
        text: turns text into the model's token ids.
    """

    checkpoint: Checkpoint
    metrics: dict[str, Any]
    task: Task
    text: TextEncoder

    def predict(
        self, records: Sequence[Record], batch_size: int = 64, top_k: int = 0
    ) -> list[dict[str, Any]]:
        """Predicts a result for each record.

        Args:
            records: as returned by `task.record`: texts, or tuples of two texts for pairs.
            batch_size: the number of records in a batch.
            top_k: the number of most probable alternatives to add to each result.

        Returns:
            For each record a dict that can be written as JSON.
        """
        encoded = self.encode(records)
        return self.task.results(encoded, self.outputs(encoded, batch_size), top_k)

    def probabilities(self, records: Sequence[Record], batch_size: int = 64) -> np.ndarray:
        """The probability of each label, for tasks that classify whole records.

        Args:
            records: as in `predict`.
            batch_size: as in `predict`.

        Returns:
            (records, labels) float32.
        """
        if not records:
            return np.zeros((0, len(self.task.labels)), dtype=np.float32)
        outputs = self.outputs(self.encode(records), batch_size)
        return self.task.probabilities(np.concatenate(outputs))

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The token ids of each record."""
        return self.task.encode(records, self.text)

    def outputs(self, encoded: Sequence[Encoded], batch_size: int = 64) -> list[Any]:
        """The model's outputs for each record.

        Args:
            encoded: as returned by `encode`.
            batch_size: the number of records in a batch.

        Returns:
            For each record the outputs of its rows, (its rows, ...).
        """
        results: list[Any] = [None] * len(encoded)
        # Records of similar length share a batch, to minimize padding.
        order = sorted(range(len(encoded)), key=lambda index: self.task.length(encoded[index]))
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            parts = self.batch_outputs([encoded[index] for index in chosen])
            for index, part in zip(chosen, parts, strict=True):
                results[index] = part
        return results

    def batch_outputs(self, encoded: Sequence[Encoded]) -> list[Any]:
        """Like `outputs`, with all records in one batch."""
        inputs = self.task.inputs(encoded, self.text)
        return split_rows(self._run(inputs), inputs["example"])

    def _run(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """The model's outputs for a batch, (rows, ...) each, in NumPy."""
        raise NotImplementedError
