"""The sizes of all backbones as command-line options."""

import dataclasses
import functools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from models.config import BackboneConfig, config_class
from models.registry import BACKBONES


class SizeOption(NamedTuple):
    """A size of a backbone as an option of the command line.

    Attributes:
        flag: the option's name.
        field: the field's name in the configuration.
        type: int, float, bool or str.
        help: what it is, and the backbones' defaults.
        minimum, maximum: the smallest and the largest value that it may have, or None.
        choices: the only strings that it may be, or None.
    """

    flag: str
    field: str
    type: type
    help: str
    minimum: float | None
    maximum: float | None
    choices: Collection[str] | None


def size_options() -> tuple[SizeOption, ...]:
    """The sizes of all registered backbones that are options, those that all have first.

    Nothing is loaded for it but the modules of the configurations.
    """
    return _size_options(_config_classes())


def learning_rates(stage: str) -> str:
    """What the backbones' learning rates are, for people.

    Args:
        stage: "pretraining" or "fine_tuning".
    """
    return ", ".join(
        f"{cls.learning_rates[stage]:g} for {cls.backbone}" for cls in _config_classes()
    )


def _config_classes() -> tuple[type[BackboneConfig], ...]:
    return tuple(config_class(backbone) for backbone in BACKBONES)


@functools.cache
def _size_options(classes: tuple[type[BackboneConfig], ...]) -> tuple[SizeOption, ...]:
    common = BackboneConfig.fields()
    names = dict.fromkeys([*common, *(name for cls in classes for name in cls.fields())])
    options = []
    for name in names:
        having = [cls for cls in classes if name in cls.fields()]
        if not having:
            continue
        field = having[0].fields()[name]
        flag = name if field.metadata["flag"] is None else field.metadata["flag"]
        if not flag:
            continue
        text = field.metadata["help"]
        if name not in common:
            text += f" ({', '.join(cls.backbone for cls in having)})"
        options.append(
            SizeOption(
                flag,
                name,
                field.type if isinstance(field.type, type) else str,
                text + _default_text([(cls, cls.fields()[name].default) for cls in having]),
                field.metadata["minimum"],
                field.metadata["maximum"],
                field.metadata["choices"],
            )
        )
    return tuple(options)


def _default_text(defaults: Sequence[tuple[type[BackboneConfig], Any]]) -> str:
    values = [value for _, value in defaults]
    if dataclasses.MISSING in values:
        return ""
    if len(set(values)) == 1:
        return f"; default {values[0]}"
    return "; default " + ", ".join(f"{value} for {cls.backbone}" for cls, value in defaults)
