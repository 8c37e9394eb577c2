import json

import pytest

from common.errors import CheckpointError, ConfigError
from conversion.released.config import config_from_release
from conversion.released.families.distilbert import DISTILBERT
from conversion.released.formats import open_release
from conversion.released.importing import import_release
from tests.bert_release import random_model, save_release
from training.options.conversion import ImportOptions

SMALL = {
    "vocab_size": 40,
    "dim": 16,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 24,
    "max_position_embeddings": 20,
    "activation": "relu",
}


def test_there_and_back(journey):
    theirs = random_model("DistilBertForMaskedLM", **SMALL)
    found = journey(theirs, segments=False)
    assert found.checkpoint.config["objectives"] == ["masked_lm"]
    assert all("cls_pooling" in name for name in found.report.fresh)
    assert found.report.unused == ()
    assert found.batch["segment_ids"].any()
    found.assert_same(found.logits()["masked_lm"], found.theirs(theirs).logits)
    stored = json.loads((found.out / "config.json").read_text())
    assert stored["architectures"] == ["DistilBertForMaskedLM"]
    assert {key: stored[key] for key in SMALL} == SMALL


def test_an_encoder_alone_with_more_layers_than_the_configuration_says(tmp_path):
    folder = save_release(random_model("DistilBertModel", **SMALL), tmp_path)
    assert open_release(folder).family is DISTILBERT
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "n_layers": 1}))
    with pytest.raises(CheckpointError, match=r"it has 2 layers.* says n_layers 1"):
        import_release(ImportOptions(str(folder), str(tmp_path / "ours")))


def test_what_cannot_be_is_named():
    with pytest.raises(ConfigError, match=r"dim \(16\) is not a multiple of n_heads \(3\)"):
        config_from_release(DISTILBERT, {**SMALL, "n_heads": 3})
    with pytest.raises(ConfigError, match="activation is 'mish'"):
        config_from_release(DISTILBERT, {**SMALL, "activation": "mish"})
