"""Correlations against SciPy's, errors against scikit-learn's."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from tasks.regression.metrics import pearson, regression_metrics, spearman


@pytest.mark.parametrize("seed", range(20))
def test_correlations_equal_scipys(seed):
    random = np.random.default_rng(seed)
    true = random.normal(size=30).astype(np.float32)
    predicted = (true + random.normal(size=30) * seed / 5).astype(np.float32)
    if seed % 2:  # Many equal values.
        true, predicted = np.round(true), np.round(predicted)
    assert pearson(predicted, true) == pytest.approx(pearsonr(predicted, true)[0], abs=1e-6)
    assert spearman(predicted, true) == pytest.approx(spearmanr(predicted, true)[0], abs=1e-9)
    found = regression_metrics(predicted, true)
    assert found["mae"] == pytest.approx(mean_absolute_error(true, predicted), rel=1e-5)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(true, predicted), rel=1e-5)


def test_a_constant_is_not_correlated():
    assert pearson(np.full(5, 2.0), np.arange(5.0)) == spearman(np.arange(5.0), np.ones(5)) == 0
    assert pearson(np.arange(5) * 1e6 + 1e9, np.arange(5.0)) == pytest.approx(1)
