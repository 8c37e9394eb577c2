"""Thresholds, and from decisions to metrics, by scikit-learn."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from common.spreadsheets import inert

# The candidates for the threshold of the most frequent label: so many are tried, between those at
# which a quarter as many labels are predicted as are true, and four times as many.
_NUM_THRESHOLDS, _TIMES_TRUE = 49, 4.0
# That of a label with a tenth of the documents is lower by `slope * ln 10`.
SLOPES = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9, 1.2)
# The slopes of the shift of the logits where exactly one label is predicted.
_SHIFT_SLOPES = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)
_ACCURACY_MARGIN = 0.005

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


def log_frequencies(documents: np.ndarray) -> np.ndarray:
    """The logarithm of each label's number of documents relative to the most frequent one's.

    Args:
        documents: (labels,) how many training documents each label has, any number >= 0.
    """
    return np.log((documents + 1.0) / (documents.max(initial=0) + 1.0))


def best_thresholds(
    logits: np.ndarray,
    targets: np.ndarray,
    frequencies: np.ndarray,
    slopes: Sequence[float] = SLOPES,
    *,
    score: str = "f1",
    at_least_one: bool = True,
) -> tuple[np.ndarray, float]:
    """The thresholds of the labels with which `decide` gets the best F1.

    Two numbers are chosen: `threshold_l = threshold + slope * frequencies_l`, in logits. Rare
    labels seldom reach the probability at which a frequent one is predicted, and a model that has
    seen them a few times underestimates them. A threshold for each label of its own would be fitted
    to the few validation documents that have it.

    Args:
        logits: (examples, labels) float, the log-odds of examples that were not trained on.
        targets: (examples, labels) bool.
        frequencies: (labels,) float, from `log_frequencies`.
        slopes: the candidates.
        score: which F1: one of `classification_metrics`.
        at_least_one: as for `decide`.

    Returns:
        (labels,) float log-odds, and the F1. Among equally good ones, the first slope and the
        threshold nearest to one half.
    """
    best = (-1.0, 0.0, 0.0)
    for slope in slopes:
        margins = logits - slope * frequencies
        candidates = _candidates(margins, int(targets.sum()))
        scores = _f1_by_threshold(margins, targets, candidates, score, at_least_one)
        index = max(range(len(scores)), key=lambda i: (scores[i], -abs(candidates[i])))
        if scores[index] > best[0]:
            best = (float(scores[index]), slope, float(candidates[index]))
    f1, slope, threshold = best
    return threshold + slope * frequencies, f1


def _candidates(margins: np.ndarray, number_true: int) -> np.ndarray:
    """Thresholds in ascending order, and 0, with which a sensible number of labels is predicted."""
    number_true = max(1, number_true)
    numbers = np.geomspace(number_true / _TIMES_TRUE, number_true * _TIMES_TRUE, _NUM_THRESHOLDS)
    ranks = np.clip(numbers.astype(np.int64), 1, margins.size - 1)
    # Only the highest ones are put in order: of thousands of labels they are a small part.
    lowest = margins.size - 1 - int(ranks.max())
    ordered = np.sort(np.partition(margins, lowest, axis=None)[lowest:])[::-1]
    between = (ordered[ranks - 1] + ordered[ranks]) / 2
    return np.unique(np.append(between, 0.0))


def best_shift(
    logits: np.ndarray, targets: np.ndarray, frequencies: np.ndarray, *, score: str = "f1"
) -> tuple[np.ndarray, float]:
    """What to add to the logits, where the highest is predicted, for the best F1.

    Frequent labels are held down, so that rare ones are found. The accuracy, which is the micro F1
    here, may become at most half a point lower than with the shift that is best for it.

    Args:
        logits, targets, frequencies, score: as for `best_thresholds`.

    Returns:
        (labels,) float, and the F1. Among equally good ones, the smallest shift.
    """
    found: list[tuple[float, float, float]] = []
    for slope in _SHIFT_SLOPES:
        shift = -slope * frequencies
        highest = np.zeros(targets.shape, bool)
        highest[np.arange(len(targets)), (logits + shift).argmax(axis=1)] = True
        truth, predicted = targets.sum(axis=0), highest.sum(axis=0)
        hits = (highest & targets).sum(axis=0)
        f1 = float(_f1_of_counts(truth, predicted, hits, score))
        found.append((f1, -slope, float(hits.sum() / max(1, len(targets)))))
    accurate = max(accuracy for _, _, accuracy in found) - _ACCURACY_MARGIN
    f1, slope, _ = max(one for one in found if one[2] >= accurate)
    return slope * frequencies, f1


def _f1_by_threshold(
    margins: np.ndarray,
    targets: np.ndarray,
    thresholds: np.ndarray,
    score: str = "f1",
    at_least_one: bool = True,
) -> np.ndarray:
    """The F1 at each threshold, as `decide` and scikit-learn would have it.

    Every margin is put between two thresholds once, instead of compared with each of them.
    """
    labels, levels = margins.shape[1], len(thresholds)
    rows, columns = np.nonzero(margins >= thresholds[0])
    # The highest threshold that each reaches.
    level = np.searchsorted(thresholds, margins[rows, columns], side="right") - 1
    is_hit = targets[rows, columns]

    def count(columns: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(labels, levels): at each threshold, how many reach it."""
        counts = np.bincount(columns * levels + level, minlength=labels * levels)
        return np.cumsum(counts.reshape(labels, levels)[:, ::-1], axis=1)[:, ::-1]

    predicted, hits = count(columns, level), count(columns[is_hit], level[is_hit])
    truth = targets.sum(axis=0)[:, None]
    if not at_least_one:
        return _f1_of_counts(truth, predicted, hits, score)
    # Examples of which no label reaches the threshold get the highest one.
    nearest = margins.argmax(axis=1)
    every = np.arange(len(margins))
    reached = np.searchsorted(thresholds, margins[every, nearest], side="right")
    is_hit = targets[every, nearest]

    def fallback(columns: np.ndarray, reached: np.ndarray) -> np.ndarray:
        """(labels, levels): at each threshold, how many do not reach it."""
        counts = np.bincount(columns * (levels + 1) + reached, minlength=labels * (levels + 1))
        return np.cumsum(counts.reshape(labels, levels + 1), axis=1)[:, :-1]

    predicted = predicted + fallback(nearest, reached)
    hits = hits + fallback(nearest[is_hit], reached[is_hit])
    return _f1_of_counts(truth, predicted, hits, score)


def _f1_of_counts(
    truth: np.ndarray, predicted: np.ndarray, hits: np.ndarray, score: str
) -> np.ndarray:
    """An F1 from (labels, ...) counts: "micro_f1", "macro_f1" or "f1", their mean."""
    macro = (2 * hits / np.maximum(truth + predicted, 1)).mean(axis=0)
    micro = 2 * hits.sum(axis=0) / np.maximum(1, (truth + predicted).sum(axis=0))
    return {"micro_f1": micro, "macro_f1": macro, "f1": (micro + macro) / 2}[score]


def f1_of(targets: np.ndarray, decisions: np.ndarray, score: str = "f1") -> float:
    """One F1 of `classification_metrics`, without the checks that make scikit-learn slow.

    Args:
        targets, decisions: as for `classification_metrics`.
        score: "micro_f1", "macro_f1" or "f1", their mean.
    """
    truth, predicted = targets.sum(axis=0), decisions.sum(axis=0)
    return float(_f1_of_counts(truth, predicted, (decisions & targets).sum(axis=0), score))


def label_table(
    labels: Sequence[str],
    training_documents: np.ndarray | None,
    targets: np.ndarray,
    decisions: np.ndarray,
    thresholds: np.ndarray,
) -> str:
    """Makes a CSV table with one row per label: its frequency, precision, recall and F1.

    Args:
        labels: the labels, in the order of the columns of `targets`.
        training_documents: (labels,) training documents of each label; None: not known.
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
        training = "" if training_documents is None else int(training_documents[index])
        writer.writerow(
            [inert(label), training, int(support[index]), int(predicted[index])]
            + [f"{metric:.4f}" for metric in metrics]
        )
    return file.getvalue()
