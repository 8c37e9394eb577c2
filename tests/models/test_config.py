import json
import subprocess
import sys

import pytest

from common.errors import ConfigError
from models.config import (
    POSITIONS,
    PRESETS,
    BackboneConfig,
    backbone_config,
    config_class,
    size_options,
)


@pytest.mark.parametrize(
    ("preset", "d_model", "d_k", "num_layers"),
    [("tiny", 64, 8, 2), ("small", 128, 16, 2), ("big", 512, 64, 6)],
)
def test_presets(preset, d_model, d_k, num_layers):
    config = backbone_config("transformer", preset, 100)
    assert (config.d_model, config.d_k, config.d_v) == (d_model, d_k, d_k)
    assert (config.num_layers, config.num_heads) == (num_layers, 8)
    assert config.d_ff == 4 * d_model
    assert backbone_config("text_cnn", preset, 100).num_filters == d_model // 2


def test_defaults_are_the_backbones_own():
    transformer = backbone_config("transformer", "tiny", 100)
    text_cnn = backbone_config("text_cnn", "tiny", 100)
    assert (transformer.position, transformer.pooling) == ("rotary", "cls")
    assert (text_cnn.position, text_cnn.pooling) == ("none", "max")


def test_overrides():
    config = backbone_config(
        "transformer", "tiny", 100, d_model=48, num_heads=4, d_v=5, num_layers=None, dropout=0
    )
    assert (config.d_model, config.num_heads, config.d_k, config.d_v) == (48, 4, 12, 5)
    assert (config.num_layers, config.dropout, config.d_ff) == (2, 0, 192)
    assert backbone_config("transformer", "tiny", 100, d_k=4).d_v == 8
    assert PRESETS["tiny"]["d_model"] == 64


@pytest.mark.parametrize(
    ("backbone", "preset", "overrides", "message"),
    [
        ("transformer", "tiny", {"num_heads": 7}, r"d_model \(64\) must be a multiple .* \(7\)"),
        ("lstm", "tiny", {}, "backbone must be one of text_cnn, transformer, not 'lstm'"),
        ("transformer", "huge", {}, "preset must be one of tiny, small, big, not 'huge'"),
        ("transformer", "tiny", {"depth": 2}, "no depth"),
        ("transformer", "tiny", {"num_heads": 0}, "num_heads must be at least 1, not 0"),
        ("transformer", "tiny", {"dropout": 1.0}, "dropout must be .* below 1, not 1.0"),
        ("transformer", "tiny", {"pooling": "sum"}, "pooling must be one of cls, .*, not 'sum'"),
        ("transformer", "tiny", {"position": "x"}, "position must be one of learned"),
        ("text_cnn", "tiny", {"position": "rotary"}, "rotary is for attention, and a text_cnn has"),
        (
            "transformer",
            "tiny",
            {"position": "rotary", "d_k": 5},
            "rotary needs an even d_k, not 5",
        ),
        ("transformer", "tiny", {"normalization": "x"}, "normalization must be one of pre, post"),
        ("transformer", "tiny", {"activation": "x"}, "activation must be one of gelu"),
        (
            "text_cnn",
            "tiny",
            {"num_layers": 3},
            "num_layers was set to 3, but a text_cnn has no use",
        ),
        ("text_cnn", "tiny", {"filter_sizes": [2, 2]}, "filter_sizes must be different"),
        ("transformer", "tiny", {"d_model": 80_000}, "parameters, more than 1,000,000,000"),
    ],
)
def test_what_cannot_be_is_named(backbone, preset, overrides, message):
    with pytest.raises(ConfigError, match=message):
        backbone_config(backbone, preset, 30_000, **overrides)


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
        ({"backbone": "lstm"}, "backbone must be one of"),
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


def test_size_options():
    options = {option.flag: option for option in size_options()}
    assert list(options)[:5] == ["d_model", "num_header", "d_k", "d_v", "max_position"]
    assert {"num_layer", "d_ff", "num_filters", "normalization"} < options.keys()
    assert not {"vocab_size", "filter_sizes", "num_heads", "num_layers"} & options.keys()
    layers = options["num_layer"]
    assert (layers.field, layers.type, layers.minimum, layers.maximum) == (
        "num_layers",
        int,
        1,
        200,
    )
    assert options["position"].choices == POSITIONS
    assert "default none for text_cnn, rotary for transformer" in options["position"].help


def test_listing_the_sizes_loads_no_keras():
    program = (
        "import sys; from models.config import size_options; size_options(); "
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n"
