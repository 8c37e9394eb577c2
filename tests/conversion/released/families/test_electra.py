import json

import pytest

from common.errors import ConfigError
from conversion.released.config import (
    config_from_release,
    family_of_backbone,
    release_from_config,
)
from conversion.released.families.electra import ELECTRA
from conversion.released.weights import released_tensors
from tests.bert_release import random_model

SMALL = {
    "vocab_size": 40,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
}


def test_a_generator(journey):
    theirs = random_model("ElectraForMaskedLM", **SMALL)
    found = journey(theirs)
    assert found.checkpoint.config["objectives"] == ["masked_lm"]
    assert found.report.fresh == (
        "backbone/cls_pooling/dense/kernel",
        "backbone/cls_pooling/dense/bias",
    )
    assert found.report.unused == ()
    logits = found.theirs(theirs, token_type_ids="segment_ids").logits
    found.assert_same(found.logits()["masked_lm"], logits)
    stored = json.loads((found.out / "config.json").read_text())
    assert stored["architectures"] == ["ElectraForMaskedLM"]
    assert {key: stored[key] for key in SMALL} == SMALL


def test_a_discriminator_whose_embeddings_are_as_wide_as_its_layers(journey):
    theirs = random_model("ElectraForPreTraining", **{**SMALL, "embedding_size": 16})
    found = journey(theirs)
    assert not any("embeddings/projection" in name for name in found.report.fresh)
    stored = json.loads((found.out / "config.json").read_text())
    assert (stored["model_type"], stored["embedding_size"]) == ("electra", 16)
    assert found.report.unused == ()
    assert any(name.startswith("replaced_token/generator") for name in found.report.fresh)
    assert not any("/discriminator" in name for name in found.report.fresh)
    assert found.checkpoint.config["objective_settings"] == {"generator_size": 0.25}
    assert stored["architectures"] == ["ElectraForPreTraining"]
    assert released_tensors(found.model, ELECTRA).left_out == ("pooler", "a part of replaced_token")
    logits = found.theirs(theirs, token_type_ids="segment_ids").logits
    found.assert_same(found.logits()["replaced_token"], logits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu', but only ELECTRA's 'gelu'"),
        ({"embedding_size": "8"}, "embedding_width must be a whole number"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        config_from_release(ELECTRA, {**SMALL, **changes})


def test_another_gelu_is_named():
    config = config_from_release(ELECTRA, SMALL, gelu_approximate=True)
    assert family_of_backbone(config) is ELECTRA
    with pytest.raises(ConfigError, match="ELECTRA's architecture: gelu_approximate is True"):
        release_from_config(ELECTRA, config)
