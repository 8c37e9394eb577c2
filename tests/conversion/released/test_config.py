import pytest

from common.errors import ConfigError
from conversion.released.config import (
    config_from_release,
    family_of_backbone,
    family_of_release,
    release_from_config,
)
from conversion.released.families.bert import BERT as FAMILY
from models.presets import backbone_config

BERT = {
    "model_type": "bert",
    "vocab_size": 50,
    "hidden_size": 12,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 7,
    "max_position_embeddings": 9,
    "type_vocab_size": 4,
    "hidden_dropout_prob": 0.2,
    "attention_probs_dropout_prob": 0.3,
    "layer_norm_eps": 1e-5,
    "initializer_range": 0.1,
    "hidden_act": "gelu_new",
}


def config_from_bert(values, **options):
    return config_from_release(FAMILY, values, **options)


def bert_from_config(config):
    assert family_of_backbone(config) is FAMILY
    return release_from_config(FAMILY, config)


def test_every_size_arrives():
    config = config_from_bert({**BERT, "use_cache": True, "transformers_version": "5"})
    assert (config.backbone, config.position, config.pooling) == ("transformer", "learned", "cls")
    assert (config.normalization, config.activation) == ("post", "gelu")
    assert config.gelu_approximate
    assert (config.vocab_size, config.d_model, config.num_layers) == (50, 12, 3)
    assert (config.num_heads, config.d_k, config.d_v, config.d_ff) == (2, 6, 6, 7)
    assert (config.max_position, config.num_segments) == (9, 4)
    assert (config.dropout, config.attention_dropout) == (0.2, 0.3)
    assert (config.layer_norm_epsilon, config.initializer_range) == (1e-5, 0.1)


def test_there_and_back():
    assert bert_from_config(config_from_bert(BERT)) == BERT


@pytest.mark.parametrize(
    ("activation", "ours", "approximate"),
    [
        ("gelu", "gelu", False),
        ("gelu_pytorch_tanh", "gelu", True),
        ("relu", "relu", False),
        ("swish", "silu", False),
    ],
)
def test_activations(activation, ours, approximate):
    config = config_from_bert({**BERT, "hidden_act": activation})
    assert (config.activation, config.gelu_approximate) == (ours, approximate)


def test_gelu_can_be_told():
    exact = {**BERT, "hidden_act": "gelu"}
    assert config_from_bert(exact, gelu_approximate=True).gelu_approximate
    assert not config_from_bert(exact).gelu_approximate
    relu = {**BERT, "hidden_act": "relu"}
    assert config_from_bert(relu, gelu_approximate=True).activation_name == "relu"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "roberta"}, "model_type is 'roberta'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"is_decoder": True}, "is_decoder"),
        ({"hidden_act": "mish"}, "hidden_act is 'mish'"),
        ({"hidden_act": ["gelu"]}, r"hidden_act is \['gelu'\]"),
        ({"hidden_size": 13}, r"hidden_size \(13\) is not a multiple"),
        ({"hidden_size": "12"}, "hidden_size must be a whole number"),
        ({"num_attention_heads": 0}, "num_attention_heads must be"),
        ({"vocab_size": None}, "vocab_size is missing"),
        ({"num_hidden_layers": 2.5}, "num_layers must be a whole number"),
        ({"hidden_dropout_prob": 1.5}, "dropout must be"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        config_from_bert({**BERT, **changes})


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, ["normalization is 'pre'"]),
        ({"d_k": 6, "normalization": "post"}, ["d_k is 6, not 8"]),
        ({"d_v": 5, "normalization": "post"}, ["d_v is 5"]),
        (
            {"position": "sinusoidal", "pooling": "max"},
            ["position is 'sinusoidal'", "pooling is 'max'", "normalization"],
        ),
    ],
)
def test_another_shape_is_named(changes, keys):
    with pytest.raises(ConfigError) as error:
        bert_from_config(backbone_config("transformer", "tiny", 50, **changes))
    for key in keys:
        assert key in str(error.value)


def test_a_text_cnn_is_no_bert():
    with pytest.raises(ConfigError, match="backbone is 'text_cnn'"):
        bert_from_config(backbone_config("text_cnn", "tiny", 50))


def test_a_model_type_that_cannot_be_imported():
    for kind in ("xlnet", ["bert"], 3):
        with pytest.raises(ConfigError, match=r"model_type is .*, but only bert, electra.* can be"):
            family_of_release({"model_type": kind}, ())
