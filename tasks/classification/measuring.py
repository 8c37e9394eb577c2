"""A classifier's logits and metrics over a whole split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from tasks.base import Forward
from tasks.classification.calibration import calibration_error
from tasks.classification.metrics import classification_metrics
from tasks.classification.outcome import Outcome

if TYPE_CHECKING:
    from tasks.classification.classification import Classification
    from tasks.classification.data import ClassificationData


def split_logits(data: "ClassificationData", split: str, forward: Forward) -> np.ndarray:
    """The model's logits of a whole split in the corpus' order, (examples, labels) float32."""
    batches = data.batches[split]
    logits = np.zeros((len(batches), len(data.task.labels)), dtype=np.float32)
    for inputs, _, outputs in forward(batches):
        logits[inputs["example"]] = outputs
    return logits


def evaluate(
    task: "Classification",
    logits: np.ndarray,
    targets: np.ndarray,
    thresholds: np.ndarray,
    labels: Sequence[str] = (),
) -> tuple[dict[str, float], Outcome]:
    """Computes the loss, F1, and how far the probabilities can be trusted.

    Targets and thresholds may have further columns, of labels that the model does not know. These
    have the probability 0 and count as missed, but the loss is that of the known ones.

    Args:
        task: gives the loss and the probabilities.
        logits: (examples, known labels) float32.
        targets: (examples, labels) bool.
        thresholds: (labels,) float, the probability from which each label is predicted.
        labels: the names of the columns of `targets`; default: those of the task.

    Returns:
        "loss" and "log_loss", the mean over the examples of the negative log-likelihood of their
        labels (all label decisions of an example together); "calibration_error", see
        `tasks.classification.calibration`; the metrics of `classification_metrics`. And the
        decisions.
    """
    known = targets[:, : logits.shape[1]]
    losses = np.asarray(task.loss({}, known, logits)[0])
    # Where exactly one label is true, an example of an unknown one has no loss.
    counted = known.any(axis=1) if task.exclusive else np.ones(len(known), bool)
    log_loss = float(keras.ops.mean(losses[counted])) if counted.any() else 0.0
    probabilities = np.asarray(task.probabilities(logits))
    unknown = np.zeros((len(targets), targets.shape[1] - known.shape[1]), probabilities.dtype)
    probabilities = np.concatenate([probabilities, unknown], axis=1)
    decisions = task.decide(probabilities, thresholds)
    metrics = {
        "loss": log_loss,
        **classification_metrics(targets, decisions),
        "log_loss": log_loss,
        "calibration_error": calibration_error(probabilities, targets, exclusive=task.exclusive),
    }
    return metrics, Outcome(labels or task.labels, targets, probabilities, decisions, losses)
