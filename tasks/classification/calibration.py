"""Calibration: probabilities that are right as often as they say, fitted on the validation set."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logsumexp

# With fewer validation examples, probabilities stay as they are. With so many, drawn at random, the
# log loss of other documents is lower than before (docs/results.md, calibration).
MIN_EXAMPLES = 10
# A scale below it says that the logits know nothing: all probabilities are the base rate.
_MIN_SCALE, _MAX_SCALE = 0.01, 100.0
BINS = 15


@dataclass(frozen=True)
class Calibration:
    """The increasing map `scale * logit + bias`; the default changes nothing.

        >>> Calibration(scale=0.5, bias=-1.0)(np.array([4.0]))
        array([1.])

    Attributes:
        scale: above 0.
        bias: 0 where exactly one label is right, because a softmax ignores it.
    """

    scale: float = 1.0
    bias: float = 0.0

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Maps logits, or thresholds in log-odds, of any shape."""
        return self.scale * logits + self.bias


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

    def loss(log_scale: float) -> float:
        scale = np.exp(log_scale)
        return (logsumexp(scale * logits, axis=1).sum() - scale * expected) / examples

    bounds = (np.log(_MIN_SCALE), np.log(_MAX_SCALE))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return _single_precision(np.exp(found.x), 0.0)


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

    bounds = [(_MIN_SCALE * size, _MAX_SCALE * size), (None, None)]
    found = minimize(
        loss,
        (size, center),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-9},
    )
    scale = found.x[0] / size
    return _single_precision(scale, found.x[1] - scale * center)


def _single_precision(scale: float, bias: float) -> Calibration:
    """As the model's float32 weights hold them."""
    return Calibration(float(np.float32(scale)), float(np.float32(bias)))


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


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: what was predicted and what was right, by equally wide bins.

    Attributes:
        mean_probability: (bins,) float, the mean predicted probability; 0 in an empty bin.
        fraction_right: (bins,) float, the fraction that is true; 0 in an empty bin.
        count: (bins,) int, the number of predictions.
    """

    mean_probability: np.ndarray
    fraction_right: np.ndarray
    count: np.ndarray

    def calibration_error(self) -> float:
        """The expected calibration error (Guo et al. 2017, equation 3).

        The mean over all predictions of |fraction_right - mean_probability| of their bin.
        """
        gaps = np.abs(self.fraction_right - self.mean_probability)
        return float((self.count * gaps).sum() / max(1, self.count.sum()))


def reliability(probabilities: np.ndarray, targets: np.ndarray, bins: int = BINS) -> Reliability:
    """Compares predicted probabilities with how often they were right.

        >>> reliability(np.array([0.9, 0.8, 0.1]), np.array([True, False, False]), bins=2).count
        array([1, 2])

    Args:
        probabilities: any shape, float from 0 to 1.
        targets: the same shape, bool. For a task with exactly one label, give both as `top_label`
            makes them.
        bins: their number; bin m holds the probabilities above (m - 1) / bins and up to m / bins,
            and the first one 0, too.
    """
    flat, true = probabilities.ravel().astype(np.float64), targets.ravel()
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    index = np.digitize(flat, edges, right=True)
    count = np.bincount(index, minlength=bins)
    divisor = np.maximum(count, 1)
    mean = np.bincount(index, weights=flat, minlength=bins) / divisor
    right = np.bincount(index, weights=true.astype(np.float64), minlength=bins) / divisor
    return Reliability(mean, right, count)


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
