import json

import pytest

from common.errors import ConfigError
from models.config import BackboneConfig, config_class
from models.presets import backbone_config


def test_json_round_trip():
    config = backbone_config("text_cnn", "small", 100, filter_sizes=(1, 3))
    assert BackboneConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown key .* colour"),
        ({"d_model": "64"}, "d_model must be a whole number, not '64'"),
        ({"d_model": 64.0}, "d_model must be a whole number, not 64.0"),
        ({"num_layers": True}, "num_layers must be a whole number, not True"),
        ({"num_layers": -1}, "num_layers must be at least 1"),
        ({"dropout": "0.1"}, "dropout must be a number"),
        ({"dropout": float("nan")}, "dropout must be at least 0"),
        ({"gelu_approximate": 1}, "gelu_approximate must be true or false"),
        ({"filter_sizes": [2]}, "unknown key in the configuration of a transformer: filter_sizes"),
        ({"backbone": "rnn"}, "backbone must be one of"),
        ({"vocab_size": 10**12}, "more than 1,000,000,000"),
        ({"embedding_width": -1}, "embedding_width must be at least 0"),
        ({"embedding_width": 10**8}, "more than 1,000,000,000"),
    ],
)
def test_from_dict_is_strict(change, message):
    values = backbone_config("transformer", "tiny", 100).to_dict()
    with pytest.raises(ConfigError, match=message):
        BackboneConfig.from_dict({**values, **change})


def test_from_dict_needs_every_key():
    values = backbone_config("transformer", "tiny", 100).to_dict()
    for name in values:
        shorter = {key: value for key, value in values.items() if key != name}
        with pytest.raises(ConfigError, match=f"lacks {name}"):
            BackboneConfig.from_dict(shorter)
    with pytest.raises(ConfigError, match="must be a table"):
        BackboneConfig.from_dict(["d_model"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 10**9}, "parameters"),
        ({"d_model": 10**4000}, "d_model asks for more than"),
        ({"max_position": 10**12}, "max_position asks for more than"),
        # Small but for what a head makes of it: the square of d_model.
        ({"d_model": 50_000, "d_k": 1, "d_v": 1, "num_filters": 1}, "parameters"),
        ({"filter_sizes": tuple(range(1, 66))}, "filter_sizes must be at most 64 numbers"),
        ({"filter_sizes": (1, 10**4000)}, "none of them enormous"),
        ({"filter_sizes": 3}, "filter_sizes must be a list of whole numbers"),
        ({"filter_sizes": ["2"]}, "filter_sizes must be a list of whole numbers"),
        ({"dropout": float("nan")}, "dropout must be at least 0"),
        ({"pooling": "x" * 10**6}, "pooling must be one of"),
        ({"position": ["x"] * 10**5}, "position must be a string"),
    ],
)
def test_sizes_that_no_memory_holds(changes, message):
    values = {**backbone_config("text_cnn", "tiny", 100).to_dict(), **changes}
    with pytest.raises(ConfigError, match=message) as caught:
        BackboneConfig.from_dict(values)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 201}, "num_layers must be .* at most 200, not 201"),
        ({"d_ff": 10**4000, "d_model": 10**4000}, "asks for more than"),
        ({"d_ff": 10**9}, "parameters, more than .* d_ff \\(1000000000\\)"),
    ],
)
def test_layers_that_no_memory_holds(changes, message):
    values = {**backbone_config("transformer", "tiny", 100).to_dict(), **changes}
    with pytest.raises(ConfigError, match=message) as caught:
        BackboneConfig.from_dict(values)
    assert len(str(caught.value)) < 1000


def test_a_default_may_be_declared_anew_without_its_rules():
    for backbone, position in (("transformer", "rotary"), ("text_cnn", "none")):
        field = config_class(backbone).fields()["position"]
        assert field.default == position
        assert field.metadata == BackboneConfig.fields()["position"].metadata
