"""What early stopping asks of a validation."""

from types import SimpleNamespace

import pytest

from training.evaluation import Validation
from training.loop import Record


@pytest.mark.parametrize(
    ("network_f1", "gained"),
    [
        ([], False),  # no words beside the network
        ([0.4], False),  # the first one is the best in any case
        ([0.4, 0.5], True),
        ([0.4, 0.4], False),
        ([0.4, 0.6, 0.5], False),
        ([0.4, 0.6, 0.5, 0.7], True),
    ],
)
def test_the_network_gained(network_f1: list[float], gained: bool) -> None:
    found = [{"network_f1": f1} for f1 in network_f1]
    record = Record(extra={"bag_of_words": found} if found else {})
    model, options = SimpleNamespace(bag_of_words=None), SimpleNamespace(threshold=None)
    assert Validation(model, None, options, record).network_gained() is gained
