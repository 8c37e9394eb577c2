"""Checks that objectives can be combined, and derives what their batches need."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.errors import ConfigError
from models.config import BackboneConfig
from models.registry import BACKBONES, OBJECTIVES

NO_NOISE = "none"
DEFAULT_ROWS = "single"


def check_objectives(names: Sequence[str]) -> None:
    """Checks that these objectives can be trained together.

    Raises:
        ConfigError: there are none, duplicates or unknown names; or two of them need different
            rows, noises or fractions of pairs.
    """
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"objectives must be one or more different names, not {tuple(names)}.")
    if unknown := sorted(set(names) - set(OBJECTIVES)):
        raise ConfigError(
            f"objectives must be among {', '.join(OBJECTIVES)}, not {', '.join(unknown)}."
        )
    rows_of(names)
    noise_of(names)
    pair_shares_of(names)


def check_visibilities(names: Iterable[str], config: BackboneConfig) -> None:
    """Checks that a backbone of this architecture can see as these objectives ask.

    Raises:
        ConfigError: it cannot, or a part of it would not be trained.
    """
    read = [OBJECTIVES[name] for name in names]
    needed = {view for each in read for view in (each.visibility, *each.further_visibilities)}
    BACKBONES[config.backbone].check_visibilities(config, needed)
    _check_query_stream(names, config)


def _check_query_stream(names: Iterable[str], config: BackboneConfig) -> None:
    for name in names:
        if not OBJECTIVES[name].reads_query_stream:
            continue
        able = [key for key in BACKBONES if BACKBONES[key].has_query_stream]
        problem = ""
        if config.backbone not in able:
            problem = f"works with the backbone {' or '.join(able)} alone, not {config.backbone}"
        elif config.position == "none":
            problem = "needs positions, which tell its targets apart: not position none"
        elif getattr(config, "attention_window", 0):
            problem = "needs full attention: attention_window must be 0"
        if problem:
            raise ConfigError(f"{name} {problem}.")


def rows_of(names: Iterable[str]) -> str:
    """The row plan that these objectives require; "single" if they work with any.

    Raises:
        ConfigError: two of them need different rows.
    """
    return _agreed(names, "rows", "rows") or DEFAULT_ROWS


def pair_shares_of(names: Iterable[str]) -> tuple[float, float, float] | None:
    """The fractions of the kinds of pairs that these objectives require; None if they do not care.

    Raises:
        ConfigError: two of them need different fractions.
    """
    return _agreed(names, "pair_shares", "fractions of pairs of the kinds 0, 1 and 2")


def noise_of(names: Sequence[str], chosen: str | None = None) -> str:
    """The noise for these objectives; "none" if none of them needs noise.

    Args:
        names: the names of the objectives.
        chosen: the requested noise; None for the first one in the first objective's order that all
            others support.

    Raises:
        ConfigError: they have no noise in common, or not all of them support the requested one.
    """
    needed = {name: OBJECTIVES[name].noise for name in names if OBJECTIVES[name].noise}
    if not needed:
        return chosen or NO_NOISE
    first, *others = needed.values()
    common = [noise for noise in first if all(noise in noises for noises in others)]
    supported = "; ".join(f"{name}: {', '.join(noises)}" for name, noises in needed.items())
    if not common:
        raise ConfigError(f"these objectives have no supported noise in common ({supported}).")
    if chosen is not None and chosen not in common:
        raise ConfigError(f"not all of these objectives support the noise {chosen} ({supported}).")
    return chosen or common[0]


def _agreed(names: Iterable[str], attribute: str, what: str) -> Any:
    """The value, other than None, of a class attribute that all these objectives must share."""
    needed = {name: getattr(OBJECTIVES[name], attribute) for name in names}
    needed = {name: value for name, value in needed.items() if value is not None}
    if len(set(needed.values())) > 1:
        listed = "; ".join(f"{name} needs {value}" for name, value in needed.items())
        raise ConfigError(
            f"these objectives need different {what}: {listed}. Leave one of them out."
        )
    return next(iter(needed.values()), None)
