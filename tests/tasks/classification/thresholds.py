"""Made-up logits, and the decisions of thresholds and shifts, without this project's code."""

import numpy as np
from scipy.special import expit
from sklearn.metrics import f1_score

GRID = np.arange(-5, 3.01, 0.25)


def case(seed, documents=50, labels=6, *, exclusive=False, underestimated=0.35, noise=1.0):
    """Logits, targets and the logarithms of how frequent the labels are."""
    generator = np.random.default_rng(seed)
    shares = 0.5 ** np.arange(labels)
    if exclusive:
        targets = np.eye(labels, dtype=bool)[
            generator.choice(labels, documents, p=shares / shares.sum())
        ]
    else:
        targets = generator.random((documents, labels)) < shares * 0.6
    frequencies = np.log(shares)
    logits = 2.0 * targets - 2.0 + noise * generator.normal(size=targets.shape)
    return logits + underestimated * frequencies, targets, frequencies


def f1_of(targets, decisions):
    return np.mean(
        [
            f1_score(targets, decisions, average=average, zero_division=0)
            for average in ("micro", "macro")
        ]
    )


def decided(logits, thresholds):
    """What reaches its threshold, in logits; where nothing does, what is nearest to it."""
    margins = logits - thresholds
    decisions = margins >= 0
    for row in np.flatnonzero(~decisions.any(axis=1)):
        decisions[row, margins[row].argmax()] = True
    return decisions


def highest(logits):
    return np.eye(logits.shape[1], dtype=bool)[logits.argmax(axis=1)]


def probabilities(logits):
    return expit(logits)
