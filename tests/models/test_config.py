import json

import pytest

from common.errors import ConfigError
from models.config import PRESETS, BackboneConfig, backbone_config


@pytest.mark.parametrize(
    ("preset", "d_model", "d_k", "num_layer"),
    [("tiny", 64, 8, 2), ("small", 128, 16, 2), ("big", 512, 64, 6)],
)
def test_presets(preset, d_model, d_k, num_layer):
    config = backbone_config("transformer", preset, 100)
    assert (config.d_model, config.d_k, config.d_v) == (d_model, d_k, d_k)
    assert (config.num_layer, config.num_header) == (num_layer, 8)
    assert (config.d_ff, config.num_filters) == (4 * d_model, d_model // 2)


def test_defaults_are_the_backbones_own():
    transformer = backbone_config("transformer", "tiny", 100)
    text_cnn = backbone_config("text_cnn", "tiny", 100)
    assert (transformer.position, transformer.pooling) == ("rotary", "cls")
    assert (text_cnn.position, text_cnn.pooling) == ("none", "max")


def test_overrides():
    config = backbone_config(
        "transformer", "tiny", 100, d_model=48, num_header=4, d_v=5, num_layer=None, dropout=0
    )
    assert (config.d_model, config.num_header, config.d_k, config.d_v) == (48, 4, 12, 5)
    assert (config.num_layer, config.dropout, config.d_ff) == (2, 0, 192)
    assert backbone_config("transformer", "tiny", 100, d_k=4).d_v == 8
    assert PRESETS["tiny"]["d_model"] == 64


@pytest.mark.parametrize(
    ("backbone", "preset", "overrides", "message"),
    [
        ("transformer", "tiny", {"num_header": 7}, r"d_model \(64\) must be a multiple .* \(7\)"),
        ("lstm", "tiny", {}, "backbone must be one of text_cnn, transformer, not 'lstm'"),
        ("transformer", "huge", {}, "preset must be one of tiny, small, big, not 'huge'"),
        ("transformer", "tiny", {"depth": 2}, "no depth"),
        ("transformer", "tiny", {"num_header": 0}, "num_header must be at least 1, not 0"),
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
        ("text_cnn", "tiny", {"num_layer": 3}, "num_layer was set to 3, but a text_cnn has no use"),
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
        ({"num_layer": True}, "num_layer must be a whole number, not True"),
        ({"num_layer": -1}, "num_layer must be at least 1"),
        ({"dropout": "0.1"}, "dropout must be a number"),
        ({"dropout": float("nan")}, "dropout must be at least 0"),
        ({"gelu_approximate": 1}, "gelu_approximate must be true or false"),
        ({"filter_sizes": 3}, "filter_sizes must be a list of whole numbers"),
        ({"filter_sizes": ["2"]}, "filter_sizes must be a list of whole numbers"),
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
        if name == "embedding_width":  # The first checkpoints lack it.
            assert BackboneConfig.from_dict(shorter).embedding_width == 0
            continue
        with pytest.raises(ConfigError, match=f"lacks {name}"):
            BackboneConfig.from_dict(shorter)
    with pytest.raises(ConfigError, match="must be a table"):
        BackboneConfig.from_dict(["d_model"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 10**9}, "parameters"),
        ({"d_model": 10**4000}, "d_model asks for more than"),
        ({"d_ff": 10**4000, "d_model": 10**4000}, "asks for more than"),
        ({"max_position": 10**12}, "max_position asks for more than"),
        ({"num_layer": 201}, "num_layer must be at most 200"),
        # Small but for what a head makes of it: the square of d_model.
        ({"d_model": 50_000, "d_k": 1, "d_v": 1, "d_ff": 1, "num_filters": 1}, "parameters"),
        ({"filter_sizes": tuple(range(1, 66))}, "filter_sizes must be at most 64 numbers"),
        ({"filter_sizes": (1, 10**4000)}, "none of them enormous"),
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
