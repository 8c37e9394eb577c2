"""A tuning as a checkpoint's `config.json` has it."""

import reprlib
from collections.abc import Mapping
from typing import Any

from common.errors import ConfigError, OptionError
from models.registry import TUNING_OPTIONS, TUNINGS
from models.tuning.base import Tuning


def stored(tuning: Tuning) -> dict[str, Any]:
    """The entries of `config.json` for a tuning; none where the model is the ordinary one."""
    settings = tuning.settings()
    return {"tuning": {"name": tuning.name, **settings}} if settings else {}


def stored_tuning(config: Mapping[str, Any]) -> Tuning:
    """The tuning that a checkpoint's `config.json` names; "full" where it names none.

    Raises:
        ConfigError: there is no such tuning, or it has no such settings.
    """
    entry = config.get("tuning", {"name": "full"})
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ConfigError(f"tuning must be a table with a name, not {reprlib.repr(entry)}.")
    settings = {name: value for name, value in entry.items() if name != "name"}
    if entry["name"] not in TUNINGS:
        raise ConfigError(f"tuning must be one of {', '.join(TUNINGS)}, not {entry['name']!r:.80}.")
    try:
        if entry["name"] in TUNING_OPTIONS:
            settings = TUNING_OPTIONS[entry["name"]](**settings).to_dict()
        return TUNINGS[entry["name"]](**settings)
    except (TypeError, OptionError) as error:
        raise ConfigError(f"the settings of the tuning {entry['name']}: {error}") from error
