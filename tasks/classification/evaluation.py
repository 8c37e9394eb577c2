"""The metrics of a classifier over a whole split, and what is chosen on the validation set."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from models.task_model import TaskModel
from tasks.base import Evaluation, Forward
from tasks.classification.metrics import (
    best_shift,
    best_thresholds,
    classification_metrics,
    decide,
    label_table,
    log_frequencies,
    mean_f1,
)
from tasks.classification.tfidf_classifier import TfidfClassifier

if TYPE_CHECKING:
    from tasks.classification.classification import Classification
    from tasks.classification.data import ClassificationData

logger = logging.getLogger(__name__)


class ClassificationEvaluation(Evaluation):
    """Chooses thresholds, and the weight of the TF-IDF classifier, on the validation set.

    In `metrics.json`, "thresholds" are those of the best validation so far, by label, and
    "tfidf_classifier" has an entry for each validation.
    """

    task: "Classification"
    data: "ClassificationData"

    def __init__(
        self,
        task: "Classification",
        model: TaskModel,
        data: "ClassificationData",
        forward: Forward,
        found: dict[str, Any],
    ) -> None:
        super().__init__(task, model, data, forward, found)
        found.setdefault("thresholds", {})
        self._last = task.thresholds
        self._frequencies = log_frequencies(data.label_counts()) if data else np.zeros(0)
        self._linear = None
        if model.ngram_classifier is not None:
            self._linear = TfidfClassifier(model.ngram_classifier, data)

    def validate(self) -> dict[str, float]:
        """The metrics of `evaluate`."""
        if self._linear is not None:
            self._linear.layer.mix(1.0, 0.0, 0.0)
        logits = split_logits(self.data, "valid", self.forward)
        if self._linear is not None:
            logits, weights = self._linear.choose_weights(
                logits, lambda logits: self._decisions(logits)[2]
            )
            self.found.setdefault("tfidf_classifier", []).append(weights)
            logger.info(
                "valid: f1 of the network alone %.4f, of the TF-IDF classifier alone %.4f; "
                "weights: network %g, TF-IDF classifier %g",
                weights["network_f1"],
                weights["linear_f1"],
                weights["network_weight"],
                weights["linear_weight"],
            )
        self._last, shift, _ = self._decisions(logits)
        if self._linear is not None:
            self._linear.shift(shift)
            logits = logits + shift
        return evaluate(self.task, logits, self._valid_targets, self._last)[0]

    def settle(self) -> None:
        """The checkpoint of the best epoch keeps the thresholds of the best epoch."""
        by_label = zip(self.task.labels, self._last.tolist(), strict=True)
        self.found["thresholds"] = dict(by_label)

    def part_improved(self) -> bool:
        """Whether the network alone did better in the last validation than in any before.

        The TF-IDF classifier is good from the first epoch, and can hide that the network is still
        learning.
        """
        f1 = [weights["network_f1"] for weights in self.found.get("tfidf_classifier", [])]
        return len(f1) > 1 and f1[-1] > max(f1[:-1])

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics of `evaluate`, and a table by label."""
        labels, targets = self.task.labels, self.data.targets("test")
        thresholds = np.array([self.found["thresholds"][label] for label in labels])
        logits = split_logits(self.data, "test", self.forward)
        metrics, decisions = evaluate(self.task, logits, targets, thresholds)
        metrics["labels"] = len(labels)
        training_examples = self.data.targets("train").sum(axis=0)
        table = label_table(labels, training_examples, targets, decisions, thresholds)
        return metrics, {"test_labels.csv": table}

    @cached_property
    def _valid_targets(self) -> np.ndarray:
        return self.data.targets("valid")

    def _decisions(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """What is best on the validation set for these logits.

        Returns:
            The thresholds (labels,), a shift of the logits (labels,), which only a task with
            exactly one label and a linear classifier has, and the F1.
        """
        targets = self._valid_targets
        given = self.task.threshold
        thresholds = np.full(logits.shape[1], 0.5 if given is None else given)
        shift = np.zeros(logits.shape[1], np.float32)
        if self.task.exclusive and self._linear is not None:
            shift, f1 = best_shift(logits, targets, self._frequencies)
            return thresholds, shift.astype(np.float32), f1
        if self.task.exclusive or self.task.threshold is not None:
            probabilities = np.asarray(self.task.probabilities(logits))
            f1 = mean_f1(probabilities, targets, thresholds, exclusive=self.task.exclusive)
            return thresholds, shift, f1
        thresholds, f1 = best_thresholds(logits, targets, self._frequencies)
        return thresholds, shift, f1


def split_logits(data: "ClassificationData", split: str, forward: Forward) -> np.ndarray:
    """The model's logits of a whole split in the corpus' order, (examples, labels) float32."""
    batches = data.batches[split]
    logits = np.zeros((len(batches), len(data.task.labels)), dtype=np.float32)
    for inputs, _, outputs in forward(batches):
        logits[inputs["example"]] = outputs
    return logits


def evaluate(
    task: "Classification", logits: np.ndarray, targets: np.ndarray, thresholds: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """Computes the mean loss per example, and F1.

    Args:
        task: gives the loss and the probabilities.
        logits: (examples, labels) float32.
        targets: (examples, labels) bool.
        thresholds: (labels,) float, the probability from which each label is predicted.

    Returns:
        The metrics, and the decisions: (examples, labels) bool.
    """
    losses, _ = task.loss({}, targets, logits)
    decisions = decide(np.asarray(task.probabilities(logits)), thresholds, exclusive=task.exclusive)
    metrics = classification_metrics(targets, decisions)
    return {"loss": float(keras.ops.mean(losses)), **metrics}, decisions
