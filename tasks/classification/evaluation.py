"""The metrics of a classifier over a whole split, and what is chosen on the validation set."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from scipy.special import expit

from data_util.reading.documents import Document
from tasks.base import Evaluation, Forward
from tasks.calibration import Calibration
from tasks.classification.calibration import carry_thresholds, fit_calibration
from tasks.classification.findings import WORST, findings_of, worst_examples
from tasks.classification.measuring import evaluate, split_logits
from tasks.classification.metrics import (
    best_shift,
    best_thresholds,
    f1_of,
    label_table,
    log_frequencies,
)
from tasks.classification.model import ClassificationModel
from tasks.classification.outcome import Outcome
from tasks.classification.predictions import predictions_of
from tasks.classification.tfidf_classifier import TfidfClassifier
from tasks.evaluation import Findings

if TYPE_CHECKING:
    from tasks.classification.classification import Classification
    from tasks.classification.data import ClassificationData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What is best on the validation set for some logits.

    Attributes:
        thresholds: (labels,) float, in log-odds of the logits.
        shift: (labels,) float32, to add to the logits; only a task with exactly one label and a
            linear classifier has one.
        score: the F1 that the task is scored by.
    """

    thresholds: np.ndarray
    shift: np.ndarray
    score: float


class ClassificationEvaluation(Evaluation):
    """Chooses the weight of the TF-IDF classifier, thresholds and calibration on validation.

    In `metrics.json`, "thresholds" (by label) and "calibration" are those of the best validation so
    far, "training_documents" are those of each label, and "tfidf_classifier" has an entry for each
    validation.
    """

    task: "Classification"
    model: ClassificationModel
    data: "ClassificationData"

    def __init__(
        self,
        task: "Classification",
        model: ClassificationModel,
        data: "ClassificationData",
        forward: Forward,
        found: dict[str, Any],
    ) -> None:
        super().__init__(task, model, data, forward, found)
        found.setdefault("thresholds", {})
        self._last = task.thresholds, Calibration()
        self._tested: tuple[Outcome, Mapping[int, Document]]
        self._linear = None
        if model.ngram_classifier is not None:
            self._linear = TfidfClassifier(model.ngram_classifier, data)

    def validate(self) -> dict[str, float]:
        """The metrics of `evaluate`, but "loss" is that of the network alone, as in training."""
        self.model.leave_to_network()
        network = logits = split_logits(self.data, "valid", self.forward)
        if self._linear is not None:
            logits = self._choose_weights(self._linear, logits)
        choice = self._choose(logits)
        if self._linear is not None:
            self._linear.shift(choice.shift)
            logits = logits + choice.shift
        calibration = self._fit(logits)
        self.model.calibrate(calibration.scale, calibration.bias)
        calibrated = calibration(logits)
        if self._linear is not None:
            calibrated = self._linear.combined(network)
        self._last = self._carried(choice, calibration, logits, calibrated), calibration
        metrics, _ = evaluate(self.task, calibrated, self._valid_targets, self._last[0])
        losses, _ = self.task.loss({}, self._valid_targets, network)
        return {**metrics, "loss": float(keras.ops.mean(losses))}

    def settle(self) -> None:
        """The checkpoint of the best epoch keeps the thresholds of the best epoch."""
        thresholds, calibration = self._last
        self.found["thresholds"] = dict(zip(self.task.labels, thresholds.tolist(), strict=True))
        self.found["calibration"] = asdict(calibration)
        documents = self.training_documents()
        assert documents is not None
        counted = zip(self.task.labels, documents.tolist(), strict=True)
        self.found["training_documents"] = dict(counted)

    def part_improved(self) -> bool:
        """Whether the network alone did better in the last validation than in any before.

        The TF-IDF classifier is good from the first epoch, and can hide that the network is still
        learning.
        """
        f1 = [weights["network_f1"] for weights in self.found.get("tfidf_classifier", [])]
        return len(f1) > 1 and f1[-1] > max(f1[:-1])

    def advice(self) -> list[str]:
        """Whether the network or the TF-IDF classifier has no part in the results."""
        layer, tried = self.model.ngram_classifier, self.found.get("tfidf_classifier")
        if layer is None or not tried:
            return []
        network_weight, linear_weight = (
            float(keras.ops.convert_to_numpy(weight))
            for weight in (layer.network_weight, layer.linear_weight)
        )
        network, linear = (
            f"{self.task.score} {max(weights[name] for weights in tried):.4f}"
            for name in ("network_f1", "linear_f1")
        )
        if not network_weight:
            return [
                "The network has no part in the results: on the validation documents the TF-IDF "
                f"classifier is better alone ({linear}; the network alone at best {network}). The "
                "network needs more steps: try a smaller --batch_size, a larger --num_epochs and "
                "--patience, or pre-training on more text."
            ]
        if not linear_weight:
            return [
                "The TF-IDF classifier has no part in the results: on the validation documents the "
                f"network is better alone ({network}; the TF-IDF classifier alone {linear}). With "
                "--tfidf_classifier=false the checkpoint is smaller and prediction faster."
            ]
        return []

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics of `evaluate`, a table by label, and each example with its labels."""
        data, labels = self.data, self.data.labels
        known = self.task.thresholds
        if "valid" in data.corpora:  # A run; otherwise a checkpoint, with its own thresholds.
            known = np.array([self.found["thresholds"][label] for label in self.task.labels])
        # Nothing reaches the threshold of a label that the model does not know.
        thresholds = np.append(known, np.ones(len(data.unknown_labels)))
        logits = split_logits(data, "test", self.forward)
        metrics, outcome = evaluate(self.task, logits, data.targets("test"), thresholds, labels)
        metrics["labels"] = len(labels)
        training = self.training_documents()
        table = label_table(labels, training, outcome.targets, outcome.decisions, thresholds)
        texts = {"test_labels.csv": table}
        listed = predictions_of(outcome, data.documents("test"), outcome.worst(WORST))
        if listed is not None:
            texts["test_predictions.jsonl"] = listed[0]
        self._tested = outcome, {} if listed is None else listed[1]
        return metrics, texts

    def findings(self) -> Findings:
        """The labels and the documents with errors, the confusions, and the reliability."""
        outcome, documents = self._tested
        return findings_of(
            outcome,
            self.training_documents(),
            worst_examples(outcome, documents, self.data, self.model.ngram_classifier),
            self.found.get("tfidf_classifier", []) if "valid" in self.data.corpora else [],
            exclusive=self.task.exclusive,
        )

    def training_documents(self) -> np.ndarray | None:
        """(labels,) how many training documents have each label; None where this is not known."""
        if (train := self.data.corpora.get("train")) is not None:
            return np.bincount(train.label_ids, minlength=len(self.data.labels))
        counted = self.found.get("training_documents")
        if not isinstance(counted, dict):
            return None
        return np.array([int(counted.get(label, 0)) for label in self.data.labels])

    @cached_property
    def _frequencies(self) -> np.ndarray:
        return log_frequencies(self.data.label_counts())

    @cached_property
    def _valid_targets(self) -> np.ndarray:
        return self.data.targets("valid")

    def _choose_weights(self, linear: TfidfClassifier, logits: np.ndarray) -> np.ndarray:
        """The logits of the network and the linear classifier together."""
        together, weights = linear.choose_weights(logits, lambda each: self._choose(each).score)
        self.found.setdefault("tfidf_classifier", []).append(weights)
        logger.info(
            "valid: %s of the network alone %.4f, of the TF-IDF classifier alone %.4f; "
            "weights: network %g, TF-IDF classifier %g",
            self.task.score,
            weights["network_f1"],
            weights["linear_f1"],
            weights["network_weight"],
            weights["linear_weight"],
        )
        return together

    def _choose(self, logits: np.ndarray) -> Choice:
        """What is best for logits that are not calibrated yet."""
        task, targets = self.task, self._valid_targets
        nothing = np.zeros(logits.shape[1], np.float32)
        if task.exclusive:
            if self._linear is None:
                decisions = task.decide(np.asarray(task.probabilities(logits)))
                return Choice(nothing, nothing, f1_of(targets, decisions, task.score))
            shift, f1 = best_shift(logits, targets, self._frequencies, score=task.score)
            return Choice(nothing, shift.astype(np.float32), f1)
        given = task.given_thresholds
        free = np.isnan(given)
        thresholds, f1 = np.zeros(len(given)), 0.0
        if free.any():
            thresholds, f1 = best_thresholds(
                logits,
                targets,
                self._frequencies,
                score=task.score,
                at_least_one=task.at_least_one,
            )
        if free.all():
            return Choice(thresholds, nothing, f1)
        # A given threshold is one of the calibrated probabilities.
        calibration = self._fit(logits)
        probabilities = np.asarray(task.probabilities(calibration(logits)))
        limits = np.where(free, expit(calibration(thresholds)), given)
        f1 = f1_of(targets, task.decide(probabilities, limits), task.score)
        return Choice(thresholds, nothing, f1)

    def _fit(self, logits: np.ndarray) -> Calibration:
        return fit_calibration(logits, self._valid_targets, exclusive=self.task.exclusive)

    def _carried(
        self,
        choice: Choice,
        calibration: Calibration,
        logits: np.ndarray,
        calibrated: np.ndarray,
    ) -> np.ndarray:
        """The thresholds of calibrated probabilities: the given ones, and the chosen ones."""
        given = self.task.given_thresholds
        if self.task.exclusive:
            return np.where(np.isnan(given), 0.5, given)
        decided = logits >= choice.thresholds
        probabilities = np.asarray(self.task.probabilities(calibrated))
        carried = carry_thresholds(choice.thresholds, calibration, decided, probabilities)
        return np.where(np.isnan(given), carried, given)
