"""BERT's configuration file and ours: the same sizes and choices under different names."""

from collections.abc import Mapping
from typing import Any

from common.errors import ConfigError
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig

# Our field, the key in `config.json` of transformers and `bert_config.json` of Google, and
# its default if a file lacks it (in both programs).
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

# For each of their activations: ours, and whether GELU is the tanh approximation.
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

# Keys whose values are fixed in a BERT.
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
        values: the content of `config.json` or `bert_config.json`. Keys that do not describe the
            architecture are ignored.
        gelu_approximate: whether "gelu" is the tanh approximation; None: as the file says. Google's
            program has computed the approximation since 2019, transformers the exact function.

    Raises:
        ConfigError: it describes another model than BERT, or a value is impossible.
    """
    for key, needed in _ONLY.items():
        if values.get(key, needed) != needed:
            raise ConfigError(
                f"{key} is {values[key]!r}, but only BERT's {needed!r} can be imported."
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
            f"hidden_act is {activation!r}; it must be one of {', '.join(_ACTIVATIONS)}."
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
        ConfigError: the backbone is not BERT's architecture; the message names each key at fault.
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
        "share_layers": "none",
    }
    wrong = [
        f"{key} is {getattr(config, key)!r}, not {value!r}"
        for key, value in needed.items()
        # For another kind of backbone, which lacks some keys, its name is reported.
        if getattr(config, key, value) != value
    ]
    if rest:
        wrong.append(
            f"d_model ({config.d_model}) is not a multiple of num_heads ({config.num_heads})"
        )
    if wrong:
        raise ConfigError(f"this backbone does not have BERT's architecture: {'; '.join(wrong)}.")
    chosen = (config.activation, config.activation == "gelu" and config.gelu_approximate)
    return {
        "model_type": "bert",
        **{theirs: getattr(config, ours) for ours, theirs, _ in _SIZES},
        "hidden_act": next(name for name, ours in _ACTIVATIONS.items() if ours == chosen),
    }


def _theirs(field: str) -> str:
    return next(theirs for ours, theirs, _ in _SIZES if ours == field)
