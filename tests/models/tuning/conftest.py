"""A random BERT of the library transformers, and our backbone with its weights."""

import pytest

from tests.bert_release import random_bert, save_release
from tests.models.tuning.released import imported_backbone


@pytest.fixture
def bert(tmp_path):
    """A random BERT, and our backbone with its weights."""
    theirs = random_bert("BertModel")
    return theirs, lambda tuning: imported_backbone(save_release(theirs, tmp_path), tuning)
