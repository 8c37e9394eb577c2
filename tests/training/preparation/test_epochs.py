"""How many epochs fine-tuning has by default."""

import pytest

from training.options.scripts import FineTuningOptions
from training.preparation.epochs import with_epochs


@pytest.mark.parametrize(
    ("given", "steps_per_epoch", "epochs", "every"),
    [
        ({}, 102, 10, 1),  # enough examples: ten epochs
        ({}, 60, 10, 1),
        ({}, 59, 11, 1),
        ({}, 5, 120, 6),  # 300 examples: 600 steps, and 20 validations
        ({}, 1, 600, 30),
        ({"num_epochs": 3}, 1, 3, 1),  # what is given holds
        ({"num_epochs": 40, "validate_every": 1}, 1, 40, 1),
        ({"validate_every": 50}, 1, 600, 50),
    ],
)
def test_epochs(given: dict[str, int], steps_per_epoch: int, epochs: int, every: int) -> None:
    options = with_epochs(FineTuningOptions(**given), steps_per_epoch)
    assert (options.num_epochs, options.validate_every) == (epochs, every)
