"""The metrics of a classifier over a whole split, and what is chosen on the validation set."""

import logging
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from models.task_model import TaskModel
from tasks.base import Evaluation, Forward
from tasks.classification.metrics import (
    best_threshold,
    classification_metrics,
    decide,
    label_table,
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
    "bag_of_words" has an entry for each validation.
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
        self._words = None
        if model.bag_of_words is not None:
            self._words = TfidfClassifier(model.bag_of_words, data)

    def validate(self) -> dict[str, float]:
        """The metrics of `evaluate`."""
        if self._words is not None:
            self._words.layer.mix(1.0, 0.0, 0.0)
        logits = split_logits(self.data, "valid", self.forward)
        if self._words is not None:
            logits, weights = self._words.choose_weights(logits, self._f1)
            self.found.setdefault("bag_of_words", []).append(weights)
            logger.info(
                "valid: f1 of the network alone %.4f; weights: network %g, TF-IDF classifier %g",
                weights["network_f1"],
                weights["network_weight"],
                weights["word_weight"],
            )
        probabilities = np.asarray(self.task.probabilities(logits))
        self._last = np.full(logits.shape[1], self._threshold_for(probabilities))
        return evaluate(self.task, logits, self.data.targets("valid"), self._last)[0]

    def settle(self) -> None:
        """The checkpoint of the best epoch keeps the thresholds of the best epoch."""
        by_label = zip(self.task.labels, self._last.tolist(), strict=True)
        self.found["thresholds"] = dict(by_label)

    def part_improved(self) -> bool:
        """Whether the network alone did better in the last validation than in any before.

        The TF-IDF classifier is good from the first epoch, and can hide that the network is still
        learning.
        """
        f1 = [weights["network_f1"] for weights in self.found.get("bag_of_words", [])]
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

    def _f1(self, logits: np.ndarray) -> float:
        """The best F1 of these logits on the validation set."""
        probabilities = np.asarray(self.task.probabilities(logits))
        return mean_f1(
            probabilities,
            self.data.targets("valid"),
            self._threshold_for(probabilities),
            exclusive=self.task.exclusive,
        )

    def _threshold_for(self, probabilities: np.ndarray) -> float:
        if self.task.threshold is not None:
            return self.task.threshold
        if self.task.exclusive:
            return 0.5
        return best_threshold(probabilities, self.data.targets("valid"))


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
