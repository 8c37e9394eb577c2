"""Probabilities of entities that can be trusted: one scale for all scores, fitted on validation."""

from collections.abc import Sequence

import numpy as np

from tasks.token_classification.decoding import Chain, log_partition, path_scores

# The scale is looked for between these powers of e.
_LOWEST, _HIGHEST, _STEPS = -3.0, 2.0, 12
_GOLDEN = (5**0.5 - 1) / 2
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

    def loss(power: float) -> float:
        scale = float(np.exp(power))
        total = log_partition([scale * one for one in kept], chain.scaled(scale)).sum()
        return float(total - scale * right)

    # A golden-section search; the loss is convex in the scale, so it has one minimum.
    low, high = _LOWEST, _HIGHEST
    one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_other = loss(one), loss(other)
    for _ in range(_STEPS):
        if at_one < at_other:
            high, other, at_other = other, one, at_one
            one = high - _GOLDEN * (high - low)
            at_one = loss(one)
        else:
            low, one, at_one = one, other, at_other
            other = low + _GOLDEN * (high - low)
            at_other = loss(other)
    return float(np.exp((low + high) / 2))


def reliability(
    probabilities: np.ndarray, right: np.ndarray, bins: int = 10
) -> list[tuple[float, float, int]]:
    """The mean probability, the share that is right and the number, in bins of equal width.

    Args:
        probabilities: (entities,) float.
        right: (entities,) bool.
        bins: their number; empty ones are left out.
    """
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    found = []
    for place in range(bins):
        inside = places == place
        if inside.any():
            mean, share = probabilities[inside].mean(), right[inside].mean()
            found.append((float(mean), float(share), int(inside.sum())))
    return found


def calibration_error(probabilities: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """The expected calibration error: the mean distance of both, weighted by the number."""
    found = reliability(probabilities, right, bins)
    total = sum(count for _, _, count in found)
    return sum(abs(mean - share) * count for mean, share, count in found) / max(total, 1)
