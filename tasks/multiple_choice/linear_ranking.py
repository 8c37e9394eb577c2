"""A linear classifier of the choices of questions: conditional logistic regression."""

import numpy as np
from scipy.optimize import minimize

from tasks.calibration import MAX_SCALE, MIN_EXAMPLES
from tasks.multiple_choice.batches import ComparedChoices
from tasks.rows import first_rows, softmax_over_rows

_PENALTIES = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
_MAX_ITERATIONS = 300


def conditional_logit(
    features: np.ndarray,
    question: np.ndarray,
    targets: np.ndarray,
    penalty: float = 0.0,
    most: float | None = None,
) -> np.ndarray:
    """The weights w that make right choices most probable (McFadden 1974, conditional logit).

    It minimizes, over all choices c of all questions,

        - sum_c targets_c log softmax(features . w)_c + penalty / 2 |w|^2

    with a softmax over the choices of each question.

    Args:
        features: (choices, features) float.
        question: (choices,) int, the question of each choice; those of a question are adjacent.
        targets: (choices,) float, with the sum 1 for each question.
        penalty: larger values give smaller weights.
        most: the largest weight, and then none is below 0; None: any.

    Returns:
        (features,) float64.
    """
    features = features.astype(np.float64)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        probabilities = softmax_over_rows(features @ weights, question)
        likely = np.maximum(probabilities, np.finfo(np.float64).tiny)
        value = -(targets * np.log(likely)).sum() + penalty / 2 * weights @ weights
        return value, features.T @ (probabilities - targets) + penalty * weights

    start = np.zeros(features.shape[1]) if most is None else np.ones(features.shape[1])
    bounds = None if most is None else [(0.0, most)] * len(start)
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _MAX_ITERATIONS},
    )
    return found.x


def fit_ranking(train: ComparedChoices, valid: ComparedChoices) -> tuple[np.ndarray, float]:
    """The weights of the features, with the penalty that is best for the validation questions.

    Returns:
        (features,) float64, and the penalty, which is that of features of mean square 1.
    """
    scales = np.sqrt(np.square(train.features, dtype=np.float64).mean(axis=0)) + 1e-6
    best, chosen, least = np.zeros(len(scales)), _PENALTIES[0], np.inf
    for penalty in _PENALTIES:
        features = train.features / scales
        weights = conditional_logit(features, train.question, train.right, penalty) / scales
        right = softmax_over_rows(valid.features @ weights, valid.question)[valid.right]
        loss = -np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean()
        if loss >= least:
            break  # the loss has one minimum, and with less penalty it takes longer
        best, chosen, least = weights, penalty, loss
    return best, chosen


def fit_mixture(
    network: np.ndarray, linear: np.ndarray, question: np.ndarray, right: np.ndarray
) -> tuple[float, float]:
    """How much the scores of the network and of the linear classifier count.

    The two weights, 0 or more, with the least log loss of the validation questions; as for a
    temperature, the right choice of N questions has the target (N + 1) / (N + 2). With fewer than
    `MIN_EXAMPLES` questions both are 1.

    Args:
        network, linear: (choices,) float.
        question: (choices,) int.
        right: (choices,) bool, one True for each question, which has two choices or more.
    """
    starts = first_rows(question)
    if len(starts) < MIN_EXAMPLES:
        return 1.0, 1.0
    share = (len(starts) + 1) / (len(starts) + 2)
    counts = np.diff([*starts, len(question)])
    targets = np.where(right, share, (1 - share) / (np.repeat(counts, counts) - 1))
    both = np.stack([network, linear], axis=1)
    weights = conditional_logit(both, question, targets, most=MAX_SCALE)
    return float(weights[0]), float(weights[1])
