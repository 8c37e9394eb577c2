"""The data of made-up texts."""

import pytest

from tests.tasks.classification.made_texts import made_data, texts_of


@pytest.fixture
def data():
    return made_data(train=texts_of(200, 1), valid=texts_of(60, 2))
