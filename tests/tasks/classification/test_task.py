"""What tells the two classification tasks apart."""

import numpy as np
import pytest
from scipy.special import log_softmax

from data_util.reading.labels import LabelSet
from tasks.classification.task import MultiClass, MultiLabel


def test_exactly_one_label():
    task = MultiClass(LabelSet("ABC"), threshold=0.0)
    (result,) = task.results([()], [np.array([[1.0, 3.0, 2.0]], np.float32)])
    expected = np.exp(3) / np.exp([1, 2, 3]).sum()
    entry = {"label": "B", "probability": pytest.approx(expected, abs=1e-6)}
    assert result == {"labels": [{**entry, "above_threshold": True}]}


def test_log_odds():
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    labels = LabelSet("ABCD")
    np.testing.assert_allclose(MultiLabel(labels).log_odds(logits, 2), logits[:, 2])
    log_p = log_softmax(logits, axis=1)[:, 2]
    expected = log_p - np.log1p(-np.exp(log_p))
    np.testing.assert_allclose(MultiClass(labels).log_odds(logits, 2), expected)
    # A probability that is 1 in float32 still has odds that differ.
    sure = np.array([[90.0, 0.0], [60.0, 0.0]])
    np.testing.assert_allclose(MultiClass(LabelSet("AB")).log_odds(sure, 0), [90, 60])
    assert MultiClass(LabelSet("A")).log_odds(np.array([[3.0]]), 0) == [3.0]
