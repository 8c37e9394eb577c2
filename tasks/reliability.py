"""Reliability: how often predictions of a probability are right, as numbers and for the report."""

from dataclasses import dataclass

import numpy as np

from reports.blocks import LineChart, Section, Series, Table

BINS = 15


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


def reliability_section(found: Reliability, what: str, counted: str) -> Section:
    """The part of the report that shows whether probabilities can be trusted.

    Args:
        found: the bins.
        what: what has the probabilities, in the plural, such as "labels".
        counted: which of them are counted, in words.
    """
    filled = np.flatnonzero(found.count)
    means, rights = found.mean_probability[filled], found.fraction_right[filled]
    points = list(zip(means.tolist(), rights.tolist(), strict=True))
    counts = found.count[filled].tolist()
    chart = LineChart(
        "Reliability",
        "probability",
        "fraction that is right",
        [Series("", points)],
        unit_square=True,
        sizes=counts,
        table=False,
    )
    table = Table(
        "By the probability",
        ["mean probability", "fraction that is right", what],
        [[*point, count] for point, count in zip(points, counts, strict=True)],
    )
    return Section(
        "Can the probabilities be trusted?",
        [chart, table],
        f"Of {what} with a probability of 0.8, eight in ten should be right: the dots are on the "
        f"dotted line then, and below it where the model is too sure. Counted is {counted}; a "
        "larger dot stands for more of them.",
    )
