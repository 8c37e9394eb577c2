"""Metrics of values: correlations and errors."""

import numpy as np
from scipy.stats import rankdata


def pearson(predicted: np.ndarray, true: np.ndarray) -> float:
    """Pearson's correlation, as `scipy.stats.pearsonr`; 0 where one of them is constant.

    Args:
        predicted, true: (examples,) float.
    """
    x, y = (each.astype(np.float64) - each.mean(dtype=np.float64) for each in (predicted, true))
    size = np.linalg.norm(x) * np.linalg.norm(y)
    return float(np.clip(x @ y / size, -1, 1)) if size > 0 else 0.0


def spearman(predicted: np.ndarray, true: np.ndarray) -> float:
    """Spearman's correlation of ranks, as `scipy.stats.spearmanr`: equal values share a rank."""
    return pearson(rankdata(predicted), rankdata(true))


def regression_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """ "pearson", "spearman", "mae" (mean absolute error) and "rmse" (root mean square error).

    Args:
        predicted, true: (examples,) float.
    """
    errors = predicted.astype(np.float64) - true
    return {
        "pearson": pearson(predicted, true),
        "spearman": spearman(predicted, true),
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt((errors**2).mean())),
    }
