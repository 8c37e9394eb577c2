import pytest

from common.errors import ConfigError
from models.presets import PRESETS, backbone_config, describe_presets


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
        ("gru", "tiny", {}, "backbone must be one of text_cnn, transformer, lstm, not 'gru'"),
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


def test_described_by_the_names_of_the_options():
    tiny, small, big = describe_presets().split("; ")
    assert tiny == "tiny d_model 64, num_header 8, d_k 8, d_v 8, num_layer 2"
    assert small.startswith("small d_model 128") and big.startswith("big d_model 512")
