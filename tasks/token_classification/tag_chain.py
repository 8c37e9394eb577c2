"""How often tags stand in the training texts, and after each other: the scores to start with."""

from collections.abc import Sequence

import numpy as np


def tag_scores(tags: Sequence[np.ndarray], num_tags: int) -> np.ndarray:
    """The logarithm of each tag's frequency; every tag counts once more than it occurs.

    Args:
        tags: of each text, (units,) int; -1 for a unit without one.
        num_tags: T.

    Returns:
        (T,) float32.
    """
    found = np.concatenate([np.zeros(0, np.int64), *tags])
    counts = np.bincount(found[found >= 0], minlength=num_tags) + 1.0
    return np.log(counts / counts.sum()).astype(np.float32)


def transition_scores(tags: Sequence[np.ndarray], num_tags: int) -> np.ndarray:
    """How much likelier a tag is after another one than anywhere.

    With these and `tag_scores`, the score of a sequence of tags is the logarithm of its probability
    in a Markov chain of the training texts' tags. A CRF that starts there knows from its first step
    that entities go on. From zeros, its scores would hardly leave them in a few hundred steps: each
    step moves a weight by about the learning rate.

    Args:
        tags: as in `tag_scores`; units without a tag are left out.
        num_tags: T.

    Returns:
        (T + 2, T) float32, as in `LinearChainCRF.call`: `[i, j]` is log P(j | i) - log P(j), row T
        the same for the first tag of a text, and row T + 1 log P(end | i), less what an average tag
        has.
    """
    prior = np.exp(tag_scores(tags, num_tags).astype(np.float64))
    pairs = np.zeros((num_tags + 2, num_tags))
    for each in tags:
        known = each[each >= 0]
        if len(known):
            np.add.at(pairs, (known[:-1], known[1:]), 1.0)
            pairs[num_tags, known[0]] += 1.0
            pairs[num_tags + 1, known[-1]] += 1.0
    ends = pairs[num_tags + 1]
    after = pairs[:-1] + prior  # one more, drawn from all tags
    scores = np.log(after / after.sum(axis=1, keepdims=True)) - np.log(prior)
    times = pairs[:-2].sum(axis=1) + ends
    mean = ends.sum() / max(times.sum(), 1.0)
    at_end = np.log((ends + max(mean, 1e-6)) / (times + 1.0)) - np.log(max(mean, 1e-6))
    return np.concatenate([scores, at_end[None]]).astype(np.float32)
