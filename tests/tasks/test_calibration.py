"""The temperature over rows against the one over labels."""

import numpy as np
import pytest

from tasks.calibration import MIN_EXAMPLES, Calibration, fit_temperature_over_rows
from tasks.classification.calibration import fit_calibration


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_examples_of_as_many_rows_each_equal_labels(scale):
    random = np.random.default_rng(0)
    logits = random.normal(size=(200, 4))
    noisy = logits + random.gumbel(size=logits.shape)
    targets = np.eye(4, dtype=bool)[noisy.argmax(axis=1)]
    example = np.repeat(np.arange(200), 4)
    found = fit_temperature_over_rows(logits.ravel() / scale, example, targets.ravel())
    expected = fit_calibration(logits / scale, targets, exclusive=True)
    assert found.scale == pytest.approx(expected.scale, rel=1e-4)
    assert found.scale == pytest.approx(scale, rel=0.3)


def test_examples_of_different_sizes():
    """Of separable examples, one of N more is expected to be wrong: by hand for two rows."""
    example = np.repeat(np.arange(100), 2)
    targets = np.tile([True, False], 100)
    found = fit_temperature_over_rows(np.where(targets, 1.0, -1.0), example, targets)
    assert np.exp(found.scale * 2) == pytest.approx(101, rel=1e-3)
    # A further example of three equal rows says nothing of the scale but adds to N.
    example = np.append(example, [100] * 3)
    targets = np.append(targets, [True, False, False])
    logits = np.append(np.where(targets[:200], 1.0, -1.0), [0.0] * 3)
    found = fit_temperature_over_rows(logits, example, targets)
    assert np.exp(found.scale * 2) == pytest.approx(102, rel=1e-3)


def test_nothing_is_fitted_to_a_handful_of_examples():
    example = np.repeat(np.arange(MIN_EXAMPLES - 1), 2)
    targets = np.tile([True, False], MIN_EXAMPLES - 1)
    assert fit_temperature_over_rows(targets * 1.0, example, targets) == Calibration()
