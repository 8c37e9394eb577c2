"""Which objectives go together, and what their batches must be made of."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.errors import ConfigError
from models.registry import OBJECTIVES

NO_NOISE = "none"
DEFAULT_ROWS = "single"


def check_objectives(names: Sequence[str]) -> None:
    """Checks that a model can learn from these objectives at once.

    Raises:
        ConfigError: there is none, or one twice, or one that does not exist; or two of them need
            different rows, noises or shares of pairs.
    """
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"objectives must be different, and one or more: {tuple(names)}.")
    if unknown := sorted(set(names) - set(OBJECTIVES)):
        raise ConfigError(
            f"objectives must be of {', '.join(OBJECTIVES)}, not {', '.join(unknown)}."
        )
    rows_of(names)
    noise_of(names)
    pair_shares_of(names)


def rows_of(names: Iterable[str]) -> str:
    """What the sequences of these objectives are made of, "single" where none of them minds.

    Raises:
        ConfigError: two of them need different rows.
    """
    return _agreed(names, "rows", "rows") or DEFAULT_ROWS


def pair_shares_of(names: Iterable[str]) -> tuple[float, float, float] | None:
    """The shares of the kinds of pairs that these objectives learn from; None: none of them minds.

    Raises:
        ConfigError: two of them need different shares.
    """
    return _agreed(names, "pair_shares", "shares of pairs of the kinds 0, 1 and 2")


def noise_of(names: Sequence[str], chosen: str | None = None) -> str:
    """The noise that all of these objectives can stand on, "none" where none of them needs one.

    Args:
        names: of the objectives.
        chosen: the name of the noise that is wanted; None: the first objective's default, as far
            as the others agree.

    Raises:
        ConfigError: there is no noise for all of them, or the chosen one is not for all.
    """
    needed = {name: OBJECTIVES[name].noise for name in names if OBJECTIVES[name].noise}
    if not needed:
        return chosen or NO_NOISE
    first, *others = needed.values()
    common = [noise for noise in first if all(noise in noises for noises in others)]
    told = "; ".join(f"{name} can have {', '.join(noises)}" for name, noises in needed.items())
    if not common:
        raise ConfigError(f"no noise is for all of these objectives: {told}.")
    if chosen is not None and chosen not in common:
        raise ConfigError(f"noise {chosen} is not for all of these objectives: {told}.")
    return chosen or common[0]


def _agreed(names: Iterable[str], attribute: str, what: str) -> Any:
    """The one value, other than None, that these objectives' classes have."""
    needed = {name: getattr(OBJECTIVES[name], attribute) for name in names}
    needed = {name: value for name, value in needed.items() if value is not None}
    if len(set(needed.values())) > 1:
        told = "; ".join(f"{name} needs {value}" for name, value in needed.items())
        raise ConfigError(f"these objectives need different {what}: {told}. Leave one of them out.")
    return next(iter(needed.values()), None)
