"""Upgrades `config.json` of earlier format versions to the current one.

Version 1 (release 0.1.0) lists the sizes of all backbones together, some under other names.
"""

from collections.abc import Mapping
from typing import Any

from models.config import config_class
from models.registry import BACKBONES

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)

_RENAMED_SIZES = {
    "num_header": "num_heads",
    "num_layer": "num_layers",
    "num_segment": "num_segments",
}
# Sizes in version 1 that only some backbones have.
_SIZES_OF_SOME = (
    *("num_layers", "d_ff", "normalization", "attention_dropout"),
    *("num_filters", "filter_sizes"),
)
_RENAMED_HEADS = {"detectors": "max_pooled"}
# Sizes that were added later, with the values that they imply when missing.
_DEFAULTS_OF_OLD_CHECKPOINTS: dict[str, Any] = {
    "embedding_width": 0,
    "embedding_projection": "tokens",
    "position_offset": 0,
}
# The same for the sizes of a single backbone.
_DEFAULTS_BY_BACKBONE: dict[str, dict[str, Any]] = {
    "transformer": {"share_layers": "none", "attention_window": 0}
}


def upgraded(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of a `config.json` in the current format version.

    Invalid entries are left unchanged; they are reported when they are used.

    Args:
        config: the content, of one of the `READABLE_VERSIONS`.
    """
    config = dict(config)
    if config.get("format_version") == 1:
        head = config.get("head")
        if isinstance(head, str):
            config["head"] = _RENAMED_HEADS.get(head, head)
        if isinstance(config.get("backbone"), dict):
            config["backbone"] = _backbone_of_version_1(config["backbone"])
        config["format_version"] = FORMAT_VERSION
    if isinstance(config.get("backbone"), dict):
        config["backbone"] = _with_later_sizes(config["backbone"])
    return config


def _backbone_of_version_1(values: Mapping[str, Any]) -> dict[str, Any]:
    values = {_RENAMED_SIZES.get(name, name): value for name, value in values.items()}
    name = values.get("backbone")
    if isinstance(name, str) and name in BACKBONES:
        foreign = set(_SIZES_OF_SOME) - set(config_class(name).fields())
        values = {name: value for name, value in values.items() if name not in foreign}
    return values


def _with_later_sizes(values: Mapping[str, Any]) -> dict[str, Any]:
    name = values.get("backbone")
    own = _DEFAULTS_BY_BACKBONE.get(name, {}) if isinstance(name, str) else {}
    return {**_DEFAULTS_OF_OLD_CHECKPOINTS, **own, **values}
