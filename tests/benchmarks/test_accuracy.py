"""What the accuracy benchmark is told to run."""

import pytest

from benchmarks.accuracy import rate_pairs


def test_rates_of_backbone_and_head():
    assert rate_pairs("1e-3:3e-3,6e-3") == [(1e-3, 3e-3), (6e-3, 6e-3)]
    with pytest.raises(ValueError, match="fast"):
        rate_pairs("fast")
