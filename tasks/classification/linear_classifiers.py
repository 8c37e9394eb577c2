"""Linear classifiers over TF-IDF, with one weight per token and label, by scikit-learn."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

Solution = tuple[np.ndarray, np.ndarray]


def support_vector_machines(matrix: csr_matrix, targets: np.ndarray, penalty: float) -> Solution:
    """Support vector machines, one per label, with squared hinge loss.

    Args:
        matrix: (documents, vocab_size), from `tfidf_classifier.features`.
        targets: (documents, labels) bool; each label has documents with it and without it.
        penalty: scikit-learn's C; larger values fit more closely.

    Returns:
        kernel (vocab_size, labels) and bias (labels,).
    """
    # Not in threads: they share the solver's random numbers, and no two fits would be the same.
    solver = OneVsRestClassifier(LinearSVC(C=penalty, random_state=0))
    # int64: scikit-learn 1.9 scrambles int8 targets of more than 128 columns.
    solver.fit(matrix, targets.astype(np.int64))
    kernel = np.stack([one.coef_[0] for one in solver.estimators_], axis=1)
    return kernel, np.array([one.intercept_[0] for one in solver.estimators_])


def ridge_regression(matrix: csr_matrix, targets: np.ndarray, penalty: float) -> Solution:
    """Least squares with targets 1 and -1 (Zhang & Oles 2001, section 2).

    Args:
        matrix, targets: as above.
        penalty: scikit-learn's alpha; larger values give smaller weights.

    Returns:
        As above.
    """
    solver = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-2)
    solver.fit(matrix.astype(np.float32), np.where(targets, 1, -1).astype(np.float32))
    # scikit-learn drops the axis of the labels if there is only one.
    return np.reshape(solver.coef_, (targets.shape[1], -1)).T, np.ravel(solver.intercept_)


# Each with the strengths to try, from the loosest fit to the closest. Support vector machines did
# best with many documents per label, ridge regression with few.
SOLVERS: dict[str, tuple[Callable[..., Solution], tuple[float, ...]]] = {
    "support vector machines, C": (support_vector_machines, (0.2, 0.5, 2.0, 8.0)),
    "ridge regression, alpha": (ridge_regression, (1.0, 0.5, 0.2, 0.1)),
}


def fit(
    matrix: csr_matrix,
    targets: np.ndarray,
    solve: Callable[..., Solution],
    strength: float,
) -> Solution:
    """Fits a linear classifier for all labels.

    Args:
        matrix: (documents, vocab_size), from `tfidf_classifier.features`.
        targets: (documents, labels) bool.
        solve: a function of `SOLVERS`.
        strength: its penalty.

    Returns:
        kernel (vocab_size, labels) and bias (labels,), float32. A label that no document has, or
        all have, gets a kernel of zeros and a bias of -1 or 1.
    """
    kernel = np.zeros((matrix.shape[1], targets.shape[1]), np.float32)
    bias = np.where(targets.all(axis=0), 1.0, -1.0).astype(np.float32)
    learned = np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0))
    if len(learned):
        kernel[:, learned], bias[learned] = solve(matrix, targets[:, learned], strength)
    return kernel, bias
