"""A release's configuration file and ours: the same sizes and choices under different names."""

from collections.abc import Iterable, Mapping
from typing import Any

from common.errors import ConfigError
from conversion.registry import DEFAULT_FAMILY, FAMILIES
from conversion.released.families.base import ANY, Family
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig

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


def family_of_release(values: Mapping[str, Any], names: Iterable[str]) -> Family:
    """The family of a release.

    Args:
        values: the content of its `config.json`. Without `model_type`, which old files lack, its
            tensors decide.
        names: of its tensors.

    Raises:
        ConfigError: it is of none that can be imported.
    """
    name = values.get("model_type")
    if name is None:
        beginnings = {tensor.partition(".")[0] for tensor in names}
        found = (family for family in FAMILIES.values() if family.prefix in beginnings)
        return next(found, FAMILIES[DEFAULT_FAMILY])
    if not isinstance(name, str) or name not in FAMILIES:
        raise ConfigError(
            f"model_type is {name!r:.80}, but only {', '.join(FAMILIES)} can be imported."
        )
    return FAMILIES[name]


def family_of_backbone(config: BackboneConfig) -> Family:
    """The family of a backbone's architecture; BERT if it is of none."""
    others = (family for name, family in FAMILIES.items() if name != DEFAULT_FAMILY)
    found = (family for family in others if family.describes(config))
    return next(found, FAMILIES[DEFAULT_FAMILY])


def config_from_release(
    family: Family, values: Mapping[str, Any], *, gelu_approximate: bool | None = None
) -> TransformerConfig:
    """The backbone that a release's configuration describes.

    Args:
        family: that of the release.
        values: the content of `config.json` or `bert_config.json`. Keys that do not describe the
            architecture are ignored.
        gelu_approximate: whether "gelu" is the tanh approximation; None: as the file says. Google's
            program has computed the approximation since 2019, transformers the exact function.

    Raises:
        ConfigError: it describes another model, or a value is impossible.
    """
    for key, needed in family.only.items():
        if values.get(key, needed) != needed:
            raise ConfigError(
                f"{key} is {values[key]!r}, but only {family.title}'s {needed!r} can be imported."
            )
    fields: dict[str, Any] = {}
    for ours, theirs, default in family.sizes:
        value = values.get(theirs, default)
        if value is None:
            raise ConfigError(f"the key {theirs} is missing.")
        fields[ours] = value
    theirs_of = {ours: theirs for ours, theirs, _ in family.sizes}
    for name in ("d_model", "num_heads"):
        if type(fields[name]) is not int or fields[name] < 1:
            raise ConfigError(f"{theirs_of[name]} must be a whole number of at least 1.")
    if fields["d_model"] % fields["num_heads"]:
        raise ConfigError(
            f"{theirs_of['d_model']} ({fields['d_model']}) is not a multiple of "
            f"{theirs_of['num_heads']} ({fields['num_heads']})."
        )
    key, default = family.activation
    activation = values.get(key, default)
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise ConfigError(f"{key} is {activation!r}; it must be one of {', '.join(_ACTIVATIONS)}.")
    name, approximate = _ACTIVATIONS[activation]
    if activation == "gelu" and gelu_approximate is not None:
        approximate = gelu_approximate
    width = fields["d_model"] // fields["num_heads"]
    fixed = {ours: value for ours, value in family.fixed.items() if value is not ANY}
    return TransformerConfig(
        **{
            **fixed,
            "activation": name,
            "gelu_approximate": approximate,
            "d_k": width,
            "d_v": width,
            **family.from_theirs(values, fields),
        }
    )


def release_from_config(family: Family, config: BackboneConfig) -> dict[str, Any]:
    """The content of `config.json` for transformers.

    Args:
        family: that of the release to write.
        config: the backbone.

    Raises:
        ConfigError: the backbone is not of the family's architecture; the message names each key at
            fault.
    """
    width, rest = divmod(config.d_model, config.num_heads)
    needed = {"backbone": "transformer", **family.fixed, "d_k": width, "d_v": width}
    if config.embedding_width == config.d_model:  # a table that is not projected
        needed["embedding_width"] = ANY
    wrong = [
        f"{key} is {getattr(config, key)!r}, not {value!r}"
        for key, value in needed.items()
        # For another kind of backbone, which lacks some keys, its name is reported.
        if value is not ANY and getattr(config, key, value) != value
    ]
    if rest:
        wrong.append(
            f"d_model ({config.d_model}) is not a multiple of num_heads ({config.num_heads})"
        )
    if wrong:
        raise ConfigError(
            f"this backbone does not have {family.title}'s architecture: {'; '.join(wrong)}."
        )
    chosen = (config.activation, config.activation == "gelu" and config.gelu_approximate)
    keys = {
        "model_type": family.model_type,
        **{theirs: getattr(config, ours) for ours, theirs, _ in family.sizes},
        family.activation[0]: next(name for name, ours in _ACTIVATIONS.items() if ours == chosen),
    }
    return family.to_theirs(config, keys)
