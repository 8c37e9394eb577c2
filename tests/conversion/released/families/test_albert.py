import json

import numpy as np
import pytest

from common.errors import ConfigError
from conversion.released.config import config_from_release
from conversion.released.families.albert import ALBERT
from tests.bert_release import random_model

SMALL = {
    "vocab_size": 40,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
}


# Of the layers' width the embeddings are projected all the same.
@pytest.mark.parametrize(
    ("width", "activation"), [(8, "gelu_new"), (16, "relu")], ids=["narrow", "wide"]
)
def test_there_and_back(journey, width, activation):
    sizes = {**SMALL, "embedding_size": width, "hidden_act": activation}
    theirs = random_model("AlbertForPreTraining", **sizes)
    found = journey(theirs)
    assert found.checkpoint.config["objectives"] == ["masked_lm", "sentence_order"]
    assert found.checkpoint.backbone.share_layers == "all"
    assert (found.report.fresh, found.report.unused) == ((), ())
    expected = found.theirs(theirs, token_type_ids="segment_ids")
    found.assert_same(found.logits()["masked_lm"], expected.prediction_logits)
    np.testing.assert_allclose(found.logits()["sentence_order"], expected.sop_logits, atol=1e-4)
    stored = json.loads((found.out / "config.json").read_text())
    assert stored["architectures"] == ["AlbertForPreTraining"]
    assert {key: stored[key] for key in sizes} == sizes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_groups": 2}, "num_hidden_groups is 2, but only ALBERT's 1"),
        ({"inner_group_num": 2}, "inner_group_num is 2, but only ALBERT's 1"),
        ({"hidden_act": "mish"}, "hidden_act is 'mish'"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        config_from_release(ALBERT, {**SMALL, **changes})
