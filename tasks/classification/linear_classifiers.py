"""Linear classifiers with one weight per feature and label: weighted ridge regression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

from data_util.tokens.pair_table import FeatureTable
from data_util.tokens.sparse_rows import SparseRows

# Up to so many examples, the system of equations between examples is solved: its matrix takes
# 4 bytes times the square of their number. With more, the weights are found step by step.
MAX_KERNEL_EXAMPLES = 12_000
_BLOCK = 1_000
_MAX_ITERATIONS = 50
_TOLERANCE = 1e-4


def matrix(rows: SparseRows, num_features: int) -> csr_matrix:
    """Sparse rows as a matrix, (texts, num_features) float32."""
    return csr_matrix((rows.values, rows.indices, rows.offsets), (len(rows), num_features))


def feature_scales(table: FeatureTable, shares: Sequence[float]) -> np.ndarray:
    """What each feature is multiplied by, (features,) float32.

    Args:
        table: of the features.
        shares: how much each kind of feature counts; see `mixtures` of the table.
    """
    return np.sqrt(np.array(shares, np.float32) / sum(shares))[table.kinds]


class RidgeRegression:
    """Least squares with targets 1 and -1, for all labels together (Zhang & Oles 2001, section 2).

    It minimizes, over the weights w of each label,

        sum_i weight_i (x_i . w + bias - y_i)^2 + penalty |w|^2

    with the bias fixed at the weighted mean of the targets. As the estimate of a conditional mean,
    `(decision + 1) / 2` is the probability of the label, if the features can express it.

        >>> ridge = RidgeRegression(features, targets, weights)
        >>> kernel, bias = ridge.fit(penalty=0.1)

    Args:
        features: (examples, features) float32, rows of about unit length.
        targets: (examples, labels) bool.
        weights: (examples,) float, above 0: the weight of each example.
    """

    def __init__(self, features: csr_matrix, targets: np.ndarray, weights: np.ndarray) -> None:
        self._weights = np.sqrt(weights).astype(np.float32)[:, None]
        signs = np.where(targets, 1, -1).astype(np.float32)
        self.bias = np.average(signs, axis=0, weights=weights).astype(np.float32)
        self._targets = (signs - self.bias) * self._weights
        self._features = features.multiply(self._weights).tocsr().astype(np.float32)
        self._transposed = self._features.T.tocsr()
        self._kernel: np.ndarray | None = None

    def fit(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Fits with a penalty; larger values give smaller weights.

        Returns:
            kernel (features, labels) and bias (labels,), float32.
        """
        exact = self._features.shape[0] <= MAX_KERNEL_EXAMPLES
        return (self._solve_dual if exact else self._solve_primal)(penalty), self.bias

    def weight_norms(self, penalty: float) -> np.ndarray:
        """The length of the weights of each feature over all labels, (features,) float32.

        The weights themselves, of which there may be too many, are never in memory at once.

        Args:
            penalty: as for `fit`.
        """
        solution = self._dual_solution(penalty)
        norms = [
            np.linalg.norm(self._transposed[start : start + _BLOCK] @ solution, axis=1)
            for start in range(0, self._transposed.shape[0], _BLOCK)
        ]
        return np.concatenate([np.zeros(0, np.float32), *norms])

    def _solve_dual(self, penalty: float) -> np.ndarray:
        return self._transposed @ self._dual_solution(penalty)

    def _dual_solution(self, penalty: float) -> np.ndarray:
        # (X X' + penalty) a = y, w = X' a: exact, and one factorization serves all labels.
        if self._kernel is None:
            self._kernel = gram_matrix(self._features)
        matrix = self._kernel.copy()
        matrix[np.diag_indices_from(matrix)] += penalty
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        return cho_solve(factor, self._targets, check_finite=False)

    def _solve_primal(self, penalty: float) -> np.ndarray:
        # Conjugate gradients on (X' X + penalty) w = X' y, for all labels at the same time.
        features, transposed = self._features, self._transposed
        residual = transposed @ self._targets
        weights = np.zeros_like(residual)
        direction = residual.copy()
        error = first = (residual * residual).sum(axis=0)
        for _ in range(_MAX_ITERATIONS):
            image = transposed @ (features @ direction) + np.float32(penalty) * direction
            step = error / np.maximum((direction * image).sum(axis=0), 1e-30)
            weights += step * direction
            residual -= step * image
            before, error = error, (residual * residual).sum(axis=0)
            if (error <= _TOLERANCE**2 * first).all():
                break
            direction = residual + error / np.maximum(before, 1e-30) * direction
        return weights


def gram_matrix(features: csr_matrix) -> np.ndarray:
    """The dot products of all pairs of rows, (examples, examples) float32."""
    transposed = features.T.tocsr()
    size = features.shape[0]
    matrix = np.empty((size, size), np.float32)
    for start in range(0, size, _BLOCK):
        # A block at a time: as a sparse matrix, the whole would take three times the memory.
        matrix[start : start + _BLOCK] = (features[start : start + _BLOCK] @ transposed).toarray()
    return matrix


@dataclass(frozen=True)
class Fit:
    """A fitted classifier.

    Attributes:
        score: on the validation documents.
        kernel, bias: (features, labels) and (labels,).
    """

    score: float
    kernel: np.ndarray
    bias: np.ndarray


def best_penalty(
    fit: Callable[[float], Fit],
    penalties: Sequence[float],
    start: int,
    at_least: float = -np.inf,
) -> tuple[int, Fit]:
    """Finds the penalty with the best score, assuming that the score has one peak.

    Args:
        fit: fits with a penalty.
        penalties: the candidates, in ascending order.
        start: the index of the first one to try; then its neighbours are tried, and so on, as long
            as the score rises.
        at_least: if the first one does not score higher than this, no other is tried.

    Returns:
        The index of the penalty, and the fit.
    """
    best, found = start, fit(penalties[start])
    if found.score <= at_least:
        return best, found
    for step in (1, -1):
        position = best + step
        while 0 <= position < len(penalties):
            other = fit(penalties[position])
            if other.score <= found.score:
                break
            best, found = position, other
            position += step
        if best != start:
            break
    return best, found
