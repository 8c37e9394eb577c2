"""Calibration of the probabilities of labels, and of their thresholds."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from tasks.calibration import MAX_SCALE, MIN_EXAMPLES, MIN_SCALE, Calibration, fit_scale, rounded
from tasks.reliability import reliability


def fit_calibration(logits: np.ndarray, targets: np.ndarray, *, exclusive: bool) -> Calibration:
    """The calibration with the least log loss on examples that were not trained on.

    With any number of labels, one scale and one bias for all label decisions: Platt scaling (Platt
    1999, "Probabilistic outputs for support vector machines", section 2). With exactly one label,
    one scale, the inverse of a temperature (Guo et al. 2017, "On calibration of modern neural
    networks", section 4.2, https://arxiv.org/abs/1706.04599). So few numbers hardly overfit.

    Where the examples are separable, the least log loss is at an infinite scale. Therefore the
    targets are Platt's (section 2.2): not 1 and 0, but (N + 1) / (N + 2) for the N decisions that
    are true and 1 / (M + 2) for the M others, as if one more of each kind were wrong. With exactly
    one label, N is the number of examples, and the rest is spread evenly over the other labels.

    With fewer than `MIN_EXAMPLES` examples, or if all decisions are alike, nothing is fitted.

    Args:
        logits: (examples, labels) float.
        targets: (examples, labels) bool; exactly one True in each row if `exclusive`.
        exclusive: whether exactly one label is right.
    """
    examples, labels = targets.shape
    if examples < MIN_EXAMPLES or targets.all() or not targets.any():
        return Calibration()
    logits = logits.astype(np.float64)
    if exclusive:
        return _fit_temperature(logits, targets, examples, labels)
    return _fit_scale_and_bias(logits.ravel(), targets.ravel())


def _fit_temperature(
    logits: np.ndarray, targets: np.ndarray, examples: int, labels: int
) -> Calibration:
    right = (examples + 1) / (examples + 2)
    others = (1 - right) / (labels - 1)
    expected = others * logits.sum() + (right - others) * logits[targets].sum()

    def loss(scale: float) -> float:
        return (logsumexp(scale * logits, axis=1).sum() - scale * expected) / examples

    return fit_scale(loss)


def _fit_scale_and_bias(logits: np.ndarray, targets: np.ndarray) -> Calibration:
    true = np.count_nonzero(targets)
    smoothed = np.where(targets, (true + 1) / (true + 2), 1 / (targets.size - true + 2))
    # Centred and of unit size, both numbers matter alike, and the search takes few steps.
    center, size = logits.mean(), logits.std() or 1.0
    unit = (logits - center) / size

    def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        odds = numbers[0] * unit + numbers[1]
        values = np.logaddexp(0, odds) - smoothed * odds
        errors = expit(odds) - smoothed
        return values.mean(), np.array([errors @ unit, errors.sum()]) / len(unit)

    bounds = [(MIN_SCALE * size, MAX_SCALE * size), (None, None)]
    found = minimize(
        loss,
        (size, center),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-9},
    )
    scale = found.x[0] / size
    return rounded(scale, found.x[1] - scale * center)


def carry_thresholds(
    log_odds: np.ndarray,
    calibration: Calibration,
    decided: np.ndarray,
    probabilities: np.ndarray,
) -> np.ndarray:
    """The thresholds of calibrated probabilities with which the decisions stay what they were.

    They are the same increasing map of the old ones. Where rounding would put a probability on the
    other side of its threshold, the threshold moves as far as is needed.

    Args:
        log_odds: (labels,) float, the thresholds of the logits before the calibration.
        calibration: of the logits.
        decided: (examples, labels) bool, which logits reached their thresholds.
        probabilities: (examples, labels) float, the calibrated ones.

    Returns:
        (labels,) float64.
    """
    thresholds = expit(calibration(np.asarray(log_odds, np.float64)))
    exact = probabilities.astype(np.float64)
    lowest = np.where(decided, exact, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(decided, -np.inf, exact).max(axis=0, initial=-np.inf)
    thresholds = np.where(thresholds <= highest, np.nextafter(highest, 2), thresholds)
    return np.clip(np.minimum(thresholds, lowest), 0, 1)


def top_label(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each example's most probable label, and whether it is right.

    Args:
        probabilities: (examples, labels) float.
        targets: (examples, labels) bool.

    Returns:
        (examples,) float and (examples,) bool.
    """
    top = probabilities.argmax(axis=1)[:, None]
    return (
        np.take_along_axis(probabilities, top, axis=1)[:, 0],
        np.take_along_axis(targets, top, axis=1)[:, 0],
    )


def calibration_error(probabilities: np.ndarray, targets: np.ndarray, *, exclusive: bool) -> float:
    """The expected calibration error in 15 bins: of all label decisions, or of the top labels.

    Args:
        probabilities: (examples, labels) float.
        targets: (examples, labels) bool.
        exclusive: whether exactly one label is right.
    """
    if exclusive:
        probabilities, targets = top_label(probabilities, targets)
    return reliability(probabilities, targets).calibration_error()
