"""Reliability by hand."""

import numpy as np
import pytest

from tasks.reliability import reliability


def test_the_calibration_error_by_hand():
    """Guo et al. 2017, equation 3, with 5 bins of two, one and three predictions."""
    probabilities = np.array([0.1, 0.2, 0.5, 0.7, 0.75, 0.8])
    targets = np.array([0, 1, 1, 1, 0, 1], bool)
    found = reliability(probabilities, targets, bins=5)
    # A probability on an edge is in the lower bin.
    assert found.count.tolist() == [2, 0, 1, 3, 0]
    np.testing.assert_allclose(found.mean_probability, [0.15, 0, 0.5, 0.75, 0])
    np.testing.assert_allclose(found.fraction_right, [0.5, 0, 1, 2 / 3, 0])
    expected = (2 * 0.35 + 1 * 0.5 + 3 * (0.75 - 2 / 3)) / 6
    assert found.calibration_error() == pytest.approx(expected)


def test_extreme_probabilities_are_in_the_outer_bins():
    found = reliability(np.array([0.0, 1.0]), np.array([False, True]))
    assert (found.count[0], found.count[-1], found.calibration_error()) == (1, 1, 0)
    empty = reliability(np.zeros((0, 3)), np.zeros((0, 3), bool))
    assert empty.calibration_error() == 0


def test_few_bins_worked_out_by_hand():
    probabilities = np.array([0.05, 0.95, 0.91, 1.0])
    right = np.array([False, True, False, True])
    found = reliability(probabilities, right, bins=10)
    low, high = np.flatnonzero(found.count)
    assert (found.fraction_right[low], found.count[low]) == (0.0, 1)
    assert found.mean_probability[low] == pytest.approx(0.05)
    assert found.mean_probability[high] == pytest.approx(0.953333, abs=1e-5)
    assert (found.fraction_right[high], found.count[high]) == (pytest.approx(2 / 3), 3)
    expected = (0.05 + abs(0.95 + 0.91 + 1.0 - 2)) / 4
    assert found.calibration_error() == pytest.approx(expected)
    assert reliability(np.zeros(0), np.zeros(0, bool)).calibration_error() == 0.0
