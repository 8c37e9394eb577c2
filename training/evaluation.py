"""Figures of a classifier over a whole split, and what the validation documents choose."""

import logging

import keras
import numpy as np

from models.classification import ClassificationModel
from models.tables import TASKS
from training.bag_of_words import FittedBagOfWords
from training.input_pipeline import predict_logits
from training.labelled_data import LabelledData
from training.loop import Record
from training.metrics import best_threshold, classification_figures, decide, mean_f1
from training.options.scripts import FineTuningOptions

logger = logging.getLogger(__name__)


class Validation:
    """Measures a model on the validation documents, which choose its thresholds as well.

    Args:
        model, data, options: of the run.
        record: its "thresholds" become those of the best validation so far, and its "bag_of_words"
            gets an entry for each validation.
    """

    def __init__(
        self,
        model: ClassificationModel,
        data: LabelledData,
        options: FineTuningOptions,
        record: Record,
    ) -> None:
        self._model, self._data, self._record = model, data, record
        self._threshold = options.threshold
        self._words = None
        if model.bag_of_words is not None:
            self._words = FittedBagOfWords(model.bag_of_words, data, options.sequence_length)

    def run(self) -> dict[str, float]:
        """The figures of `evaluate`."""
        model, data = self._model, self._data
        if self._words is not None:
            self._words.layer.mix(1.0, 0.0, 0.0)
        logits, targets = split_logits(model, data, "valid"), data.targets("valid")
        if self._words is not None:
            logits, found = self._words.choose_mixture(logits, self._f1)
            self._record.extra.setdefault("bag_of_words", []).append(found)
            logger.info(
                "valid: f1 of the network alone %.4f; taken: %g of its logits, %g of the words'",
                found["network_f1"],
                found["network_share"],
                found["share"],
            )
        probabilities = np.asarray(model.probabilities(logits))
        thresholds = np.full(len(data.labels), self._threshold_for(probabilities))
        figures, _ = evaluate(logits, targets, model.task, thresholds)
        earlier = [entry["valid"]["f1"] for entry in self._record.history if entry["valid"]]
        if figures["f1"] > max(earlier, default=-1.0):
            # The best epoch's checkpoint keeps the best epoch's thresholds.
            by_label = zip(data.labels.labels, thresholds.tolist(), strict=True)
            self._record.extra["thresholds"] = dict(by_label)
        return figures

    def network_gained(self) -> bool:
        """Whether the network alone was never so good as in the last validation.

        The words know much from the first epoch on, and can hide that the network still learns.
        """
        f1 = [found["network_f1"] for found in self._record.extra.get("bag_of_words", [])]
        return len(f1) > 1 and f1[-1] > max(f1[:-1])

    def _f1(self, logits: np.ndarray) -> float:
        """The F1 that these logits can have on the validation documents."""
        probabilities = np.asarray(self._model.probabilities(logits))
        threshold = self._threshold_for(probabilities)
        return mean_f1(probabilities, self._data.targets("valid"), threshold, self._model.task)

    def _threshold_for(self, probabilities: np.ndarray) -> float:
        if self._threshold is not None:
            return self._threshold
        if self._model.task == "multi_class":
            return 0.5
        return best_threshold(probabilities, self._data.targets("valid"))


def split_logits(model: ClassificationModel, data: LabelledData, split: str) -> np.ndarray:
    """(documents, labels) float32: the model's logits of a whole split, in the corpus' order."""
    batches = data.batches[split]
    logits = np.zeros(data.targets(split).shape, dtype=np.float32)
    order = np.concatenate([indices for _, _, indices in batches.batches(0)])
    logits[order] = predict_logits(
        model, lambda: (batch[0] for batch in batches.batches(0)), batches.steps(0)
    )
    return logits


def evaluate(
    logits: np.ndarray, targets: np.ndarray, task: str, thresholds: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """The mean task loss a document, and F1.

    Args:
        logits: (documents, labels) float32.
        targets: (documents, labels) bool.
        task: a key of `TASKS`.
        thresholds: (labels,) float, from which probability on each label is predicted.

    Returns:
        The figures, and the decisions: (documents, labels) bool.
    """
    loss = float(keras.ops.mean(TASKS[task].loss(targets.astype(np.float32), logits)))
    decisions = decide(np.asarray(TASKS[task].probabilities(logits)), thresholds, task)
    return {"loss": loss, **classification_figures(targets, decisions)}, decisions
