import numpy as np
import pytest
from scipy.special import logsumexp

from tasks.log_sum_exp import log_sum_exp


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_equals_scipys(axis):
    scores = np.random.default_rng(0).normal(scale=300, size=(3, 4))
    scores[1, 2] = -np.inf
    np.testing.assert_allclose(log_sum_exp(scores, axis), logsumexp(scores, axis=axis))
