"""Probabilities of entities that can be trusted: one scale for all scores, fitted on validation."""

from collections.abc import Sequence

import numpy as np

from tasks import calibration
from tasks.token_classification.decoding import Chain, log_partition, path_scores

# The scale is looked for between these numbers.
_LEAST, _MOST = float(np.exp(-3)), float(np.exp(2))
# More texts hardly change one number.
MAX_TEXTS = 300


def fit_scale(scores: Sequence[np.ndarray], tags: Sequence[np.ndarray], chain: Chain) -> float:
    """The scale of scores and transitions with which the true tags are most likely.

    It is the inverse of a temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599), for
    sequences; since it is positive, the best sequence of tags stays the same.

    Args:
        scores: (units, T) of each text.
        tags: the true tags of each text, (units,) int; texts with a unit without a tag (-1), and
            texts whose tags the scheme does not allow, are left out.
        chain: of the transitions.

    Returns:
        The scale; 1 if no text is left.
    """
    chosen = [
        (one, true)
        for one, true in zip(scores, tags, strict=True)
        if len(true) and (true >= 0).all() and chain.allows(true)
    ][:MAX_TEXTS]
    if not chosen:
        return 1.0
    kept = [one for one, _ in chosen]
    right = path_scores(kept, [true for _, true in chosen], chain).sum()

    def loss(scale: float) -> float:
        total = log_partition([scale * one for one in kept], chain.scaled(scale)).sum()
        return float(total - scale * right)

    # Convex in the scale, so it has one minimum.
    return calibration.fit_scale(loss, _LEAST, _MOST).scale
