"""Calibration: probabilities that are right as often as they say, fitted on the validation set.

What all tasks have in common. `models.heads.logit_calibration` keeps the result in the model.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from tasks.rows import first_rows

# With fewer validation examples, probabilities stay as they are. With so many, drawn at random, the
# log loss of other documents is lower than before (docs/results.md, calibration).
MIN_EXAMPLES = 10
# A scale below it says that the logits know nothing: all probabilities are the base rate.
MIN_SCALE, MAX_SCALE = 0.01, 100.0


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


def fit_scale(
    loss: Callable[[float], float], least: float = MIN_SCALE, most: float = MAX_SCALE
) -> Calibration:
    """The scale with the least loss, the inverse of a temperature (Guo et al. 2017, section 4.2).

    Args:
        loss: of a scale; it has one minimum.
        least, most: between which it is looked for.
    """
    bounds = (np.log(least), np.log(most))
    found = minimize_scalar(
        lambda log_scale: loss(np.exp(log_scale)),
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return rounded(np.exp(found.x), 0.0)


def fit_temperature_over_rows(
    logits: np.ndarray, example: np.ndarray, targets: np.ndarray
) -> Calibration:
    """The temperature of a softmax over the rows of each example.

    As `tasks.classification.calibration.fit_calibration` does it for labels of which one is right:
    the targets are (N + 1) / (N + 2) for the right rows of the N examples, and the rest is spread
    evenly over the example's other rows. With fewer than `MIN_EXAMPLES` examples nothing is fitted.

    Args:
        logits: (rows,) float; the rows of an example, two or more, are adjacent.
        example: (rows,) int.
        targets: (rows,) bool, one True for each example.
    """
    starts = first_rows(example)
    if len(starts) < MIN_EXAMPLES:
        return Calibration()
    logits = logits.astype(np.float64)
    sizes = np.diff([*starts, len(example)])
    right = (len(starts) + 1) / (len(starts) + 2)
    others = np.repeat((1 - right) / (sizes - 1), sizes)
    expected = float((np.where(targets, right, others) * logits).sum())
    # The maximum is taken out so that no exponential overflows.
    largest = np.maximum.reduceat(logits, starts)
    shifted = logits - np.repeat(largest, sizes)

    def loss(scale: float) -> float:
        totals = np.log(np.add.reduceat(np.exp(scale * shifted), starts))
        return float(totals.sum() + scale * (largest.sum() - expected)) / len(starts)

    return fit_scale(loss)


def rounded(scale: float, bias: float) -> Calibration:
    """As the model's float32 weights hold them."""
    return Calibration(float(np.float32(scale)), float(np.float32(bias)))
