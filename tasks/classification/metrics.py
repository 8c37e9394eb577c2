"""From probabilities to labels, and from labels to metrics, by scikit-learn."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

# Even steps in logits, from a probability of 0.7 % to 95 %.
_THRESHOLDS = 1 / (1 + np.exp(-np.arange(-5, 3.01, 0.25)))

_COLUMNS = (
    "label",
    "training_documents",
    "documents",
    "predicted",
    "precision",
    "recall",
    "f1",
    "threshold",
)


def decide(
    probabilities: np.ndarray, thresholds: np.ndarray, *, exclusive: bool = False
) -> np.ndarray:
    """Which labels an example gets: those that reach their threshold, or else the most probable.

    Args:
        probabilities: (examples, labels) float.
        thresholds: (labels,) float.
        exclusive: whether only the most probable label is predicted, whatever the thresholds.

    Returns:
        (examples, labels) bool, at least one True in each row.
    """
    decisions = (probabilities >= thresholds) & (not exclusive)
    undecided = ~decisions.any(axis=1)
    decisions[undecided, probabilities[undecided].argmax(axis=1)] = True
    return decisions


def classification_metrics(targets: np.ndarray, decisions: np.ndarray) -> dict[str, float]:
    """Micro and macro F1 over all labels, as scikit-learn computes them, and their mean.

    Args:
        targets: (examples, labels) bool, the true labels.
        decisions: (examples, labels) bool, the predicted labels.

    Returns:
        "micro_f1", "macro_f1" (over all labels; 0 for one that is neither true nor predicted),
        "macro_f1_present" (over the labels in `targets`), "f1" (the mean of the first two).
    """
    truth, predicted = targets.astype(np.int64), decisions.astype(np.int64)
    micro = f1_score(truth, predicted, average="micro", zero_division=0)
    each = np.atleast_1d(f1_score(truth, predicted, average=None, zero_division=0))
    present = targets.any(axis=0)
    return {
        "micro_f1": float(micro),
        "macro_f1": float(each.mean()),
        "macro_f1_present": float(each[present].mean()) if present.any() else 0.0,
        "f1": float((micro + each.mean()) / 2),
    }


def best_threshold(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The threshold for all labels with which `decide` gets the best mean of both F1.

    Rare labels seldom reach a probability of one half; if there are many of them, a lower threshold
    finds more.

    Args:
        probabilities: (examples, labels) float, of examples that were not trained on.
        targets: (examples, labels) bool.

    Returns:
        One of 33 candidates; among equally good ones, the nearest to one half.
    """
    found = [
        (mean_f1(probabilities, targets, threshold), -abs(threshold - 0.5), float(threshold))
        for threshold in _THRESHOLDS
    ]
    return max(found)[2]


def mean_f1(
    probabilities: np.ndarray,
    targets: np.ndarray,
    threshold: float,
    *,
    exclusive: bool = False,
) -> float:
    """The mean of micro and macro F1 of the decisions at a threshold.

    It equals "f1" of `classification_metrics`, without the checks that make scikit-learn slow for
    hundreds of candidates.
    """
    thresholds = np.full(probabilities.shape[1], threshold)
    decisions = decide(probabilities, thresholds, exclusive=exclusive)
    truth, predicted = targets.sum(axis=0), decisions.sum(axis=0)
    hits = (decisions & targets).sum(axis=0)
    each = 2 * hits / np.maximum(truth + predicted, 1)
    micro = 2 * hits.sum() / max(1, truth.sum() + predicted.sum())
    return float((micro + each.mean()) / 2)


def label_table(
    labels: Sequence[str],
    training_documents: np.ndarray,
    targets: np.ndarray,
    decisions: np.ndarray,
    thresholds: np.ndarray,
) -> str:
    """Makes a CSV table with one row per label: its frequency, precision, recall and F1.

    Args:
        labels: the labels, in the order of the columns of `targets`.
        training_documents: (labels,) training documents of each label.
        targets, decisions: as in `classification_metrics`.
        thresholds: (labels,) float.
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        targets.astype(np.int64), decisions.astype(np.int64), average=None, zero_division=0
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    predicted = decisions.sum(axis=0)
    for index, label in enumerate(labels):
        metrics = (precision[index], recall[index], f1[index], thresholds[index])
        writer.writerow(
            [label, int(training_documents[index]), int(support[index]), int(predicted[index])]
            + [f"{metric:.4f}" for metric in metrics]
        )
    return file.getvalue()
