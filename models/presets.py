"""The presets: sizes that go together, under one name."""

from typing import Any

from common.errors import ConfigError
from models.config import BackboneConfig, config_class, with_tuples
from models.registry import BACKBONES
from models.size_options import size_options

# A backbone takes the sizes that it has.
PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"d_model": 64, "num_heads": 8, "d_k": 8, "d_v": 8, "num_layers": 2},
    "small": {"d_model": 128, "num_heads": 8, "d_k": 16, "d_v": 16, "num_layers": 2},
    "big": {"d_model": 512, "num_heads": 8, "d_k": 64, "d_v": 64, "num_layers": 6},
}

DEFAULT_PRESET = "small"


def describe_presets() -> str:
    """The presets and their sizes, for people."""
    described = []
    for name, sizes in PRESETS.items():
        fields = [option for option in size_options() if option.field in sizes]
        described.append(
            f"{name} " + ", ".join(f"{option.flag} {sizes[option.field]}" for option in fields)
        )
    return "; ".join(described)


def backbone_config(
    backbone: str, preset: str, vocab_size: int, **overrides: Any
) -> BackboneConfig:
    """A preset with changes.

    Args:
        backbone: a key of `models.registry.BACKBONES`.
        preset: a key of `PRESETS`.
        vocab_size: number of token ids.
        overrides: fields of the backbone's configuration; those that are None are left as the
            preset has them. Sizes that follow from others do so where they are not given (see
            `BackboneConfig.fill_in`).

    Returns:
        A configuration of the backbone's own class.

    Raises:
        ConfigError: a name or a value is not one that can be; or a field was given that this
            backbone makes no use of.
    """
    cls = config_class(backbone)
    if preset not in PRESETS:
        raise ConfigError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}.")
    names = set(cls.fields())
    given = {name: value for name, value in overrides.items() if value is not None}
    if unknown := sorted(set(given) - names):
        if unknown[0] in {name for other in BACKBONES for name in config_class(other).fields()}:
            raise ConfigError(
                f"{unknown[0]} was set to {given[unknown[0]]!r}, but a {backbone} has no use for "
                "it; leave it out."
            )
        raise ConfigError(f"a {backbone} has no {', '.join(unknown)}; it has {sorted(names)}.")
    values: dict[str, Any] = {
        **{name: value for name, value in PRESETS[preset].items() if name in names},
        **with_tuples(given),
    }
    cls.fill_in(values, set(given))
    return cls(vocab_size=vocab_size, **values)
