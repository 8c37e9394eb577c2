"""The small backbones and batches of the models' tests, and the data of tasks."""

import pytest

from tests import toys
from tests.models.conftest import batch_of, config_of, seeded
from tests.tasks.examples import prepare

__all__ = ["batch_of", "config_of", "seeded"]


@pytest.fixture(scope="module")
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Gives the data of a task; made anew each time, through the cache."""
    folder = tmp_path_factory.mktemp("contract")
    return lambda name, **changes: prepare(folder, name, **changes)
