import json

import numpy as np
import pytest

from common.errors import ConfigError
from conversion.released.config import config_from_release
from conversion.released.families.roberta import ROBERTA
from tests.bert_release import random_model

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
    "type_vocab_size": 1,
    "pad_token_id": 1,
}


def test_there_and_back(journey):
    theirs = random_model("RobertaForMaskedLM", **SMALL)
    found = journey(theirs)
    assert found.checkpoint.config["objectives"] == ["masked_lm"]
    assert found.checkpoint.backbone.max_position == 18
    assert all("cls_pooling" in name for name in found.report.fresh)
    assert found.report.unused == ()
    found.assert_same(found.logits()["masked_lm"], found.theirs(theirs).logits)
    stored = json.loads((found.out / "config.json").read_text())
    assert stored["architectures"] == ["RobertaForMaskedLM"]
    assert {key: stored[key] for key in SMALL} == SMALL


def test_a_pooler(journey):
    theirs = random_model("RobertaModel", **{**SMALL, "pad_token_id": 0, "type_vocab_size": 2})
    found = journey(theirs)
    pooled = found.model.backbone(found.batch, training=False)["pooled_output"]
    expected = found.theirs(theirs, token_type_ids="segment_ids").pooler_output
    np.testing.assert_allclose(pooled, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu', but only RoBERTa's 'gelu'"),
        ({"pad_token_id": None}, "pad_token_id must be a whole number of at least 0"),
        ({"max_position_embeddings": 3}, "max_position must be at least 2"),
        ({"max_position_embeddings": "3"}, "max_position_embeddings must be a whole number"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        config_from_release(ROBERTA, {**SMALL, **changes})
