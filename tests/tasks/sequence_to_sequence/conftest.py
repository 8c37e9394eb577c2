"""A tiny model and its data, made once."""

from types import SimpleNamespace

import pytest

from tests.tasks.examples import model_for, prepare


@pytest.fixture(scope="package")
def tiny(tmp_path_factory):
    """Gives `data` and `model`, which tests leave as they are."""
    data = prepare(tmp_path_factory.mktemp("sequences"), "sequence_to_sequence")
    return SimpleNamespace(data=data, model=model_for(data))
