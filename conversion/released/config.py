"""BERT's own configuration file and ours: the same sizes and choices under other names."""

from collections.abc import Mapping
from typing import Any

from common.errors import ConfigError
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig

# Our field, the key in `config.json` of transformers and `bert_config.json` of Google, and
# what the key means where a file lacks it (the defaults of both programs).
_SIZES = (
    ("vocab_size", "vocab_size", None),
    ("d_model", "hidden_size", 768),
    ("num_layers", "num_hidden_layers", 12),
    ("num_heads", "num_attention_heads", 12),
    ("d_ff", "intermediate_size", 3072),
    ("max_position", "max_position_embeddings", 512),
    ("num_segments", "type_vocab_size", 2),
    ("dropout", "hidden_dropout_prob", 0.1),
    ("attention_dropout", "attention_probs_dropout_prob", 0.1),
    ("layer_norm_epsilon", "layer_norm_eps", 1e-12),
    ("initializer_range", "initializer_range", 0.02),
)

# Their activation: ours, and whether gelu is its tanh approximation.
_ACTIVATIONS = {
    "gelu": ("gelu", False),
    "gelu_new": ("gelu", True),
    "gelu_pytorch_tanh": ("gelu", True),
    "gelu_fast": ("gelu", True),
    "relu": ("relu", False),
    "silu": ("silu", False),
    "swish": ("silu", False),
    "tanh": ("tanh", False),
}

# What a BERT must have, and what these keys may therefore say.
_ONLY = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}


def config_from_bert(
    values: Mapping[str, Any], *, gelu_approximate: bool | None = None
) -> TransformerConfig:
    """The backbone that BERT's configuration describes.

    Args:
        values: the content of `config.json` or `bert_config.json`. Keys that say nothing of the
            architecture are left alone.
        gelu_approximate: what "gelu" means there; None for what the file says. Google's program
            computes its tanh approximation since 2019, and transformers the exact function.

    Raises:
        ConfigError: it is of another model than BERT, or a value is not one that can be.
    """
    for key, needed in _ONLY.items():
        if values.get(key, needed) != needed:
            raise ConfigError(
                f"{key} is {values[key]!r}, and only BERT's {needed!r} can be brought in."
            )
    given: dict[str, Any] = {}
    for ours, theirs, default in _SIZES:
        value = values.get(theirs, default)
        if value is None:
            raise ConfigError(f"the key {theirs} is missing.")
        given[ours] = value
    for name in ("d_model", "num_heads"):
        if type(given[name]) is not int or given[name] < 1:
            raise ConfigError(f"{_theirs(name)} must be a whole number of at least 1.")
    if given["d_model"] % given["num_heads"]:
        raise ConfigError(
            f"hidden_size ({given['d_model']}) is not a multiple of num_attention_heads "
            f"({given['num_heads']})."
        )
    activation = values.get("hidden_act", "gelu")
    if activation not in _ACTIVATIONS:
        raise ConfigError(
            f"hidden_act is {activation!r}; it may be one of {', '.join(_ACTIVATIONS)}."
        )
    name, approximate = _ACTIVATIONS[activation]
    if activation == "gelu" and gelu_approximate is not None:
        approximate = gelu_approximate
    width = given["d_model"] // given["num_heads"]
    return TransformerConfig(
        position="learned",
        pooling="cls",
        normalization="post",
        activation=name,
        gelu_approximate=approximate,
        d_k=width,
        d_v=width,
        **given,
    )


def bert_from_config(config: BackboneConfig) -> dict[str, Any]:
    """The content of `config.json` for transformers.

    Raises:
        ConfigError: the backbone is not of BERT's shape; names each key that keeps it from it.
    """
    width, rest = divmod(config.d_model, config.num_heads)
    needed: dict[str, Any] = {
        "backbone": "transformer",
        "position": "learned",
        "normalization": "post",
        "pooling": "cls",
        "d_k": width,
        "d_v": width,
        "embedding_width": config.d_model if config.embedding_width else 0,
    }
    wrong = [
        f"{key} is {getattr(config, key)!r} and would have to be {value!r}"
        for key, value in needed.items()
        # What another backbone lacks is told by its name.
        if getattr(config, key, value) != value
    ]
    if rest:
        wrong.append(
            f"d_model ({config.d_model}) is not a multiple of num_heads ({config.num_heads})"
        )
    if wrong:
        raise ConfigError(f"this backbone is not of BERT's shape: {'; '.join(wrong)}.")
    chosen = (config.activation, config.activation == "gelu" and config.gelu_approximate)
    return {
        "model_type": "bert",
        **{theirs: getattr(config, ours) for ours, theirs, _ in _SIZES},
        "hidden_act": next(name for name, ours in _ACTIVATIONS.items() if ours == chosen),
    }


def _theirs(field: str) -> str:
    return next(theirs for ours, theirs, _ in _SIZES if ours == field)
