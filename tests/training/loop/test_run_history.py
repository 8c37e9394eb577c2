"""A history that no run wrote."""

import pytest

from common.errors import CheckpointError
from training.loop.run_history import RunHistory


@pytest.mark.parametrize("metrics", [{}, {"history": {}}, {"history": [], "best_epoch": "1"}])
def test_a_history_that_was_forged(metrics):
    with pytest.raises(CheckpointError, match=r"metrics\.json: history or best_epoch cannot be"):
        RunHistory("f1").restore(metrics)
