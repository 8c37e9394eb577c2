"""How a size in a backbone's configuration is declared, and how a value of it is checked."""

import dataclasses
import operator
import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from common.errors import ConfigError

MAX_PARAMETERS = 1_000_000_000

_KINDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


def size(
    default: Any = dataclasses.MISSING,
    help: str = "",
    *,
    flag: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Collection[str] | None = None,
    is_width: bool = False,
) -> Any:
    """A field of a backbone's configuration: its default, its help text and what it may be.

    A subclass that declares the field again for the sake of another default may leave out the rest.

    Args:
        default: left out where the value comes from a preset or follows from other sizes.
        help: the text of the command-line option.
        flag: the option's name where it is not the field's; "": there is no such option.
        minimum, maximum: the smallest and the largest value that it may have.
        above, below: the same, for values that it just may not have.
        choices: the only strings that it may be.
        is_width: whether it is smaller in a narrower network, see `BackboneConfig.narrowed`.
    """
    metadata = {
        "help": help,
        "flag": flag,
        "minimum": minimum,
        "maximum": maximum,
        "above": above,
        "below": below,
        "choices": choices,
        "is_width": is_width,
    }
    return dataclasses.field(default=default, metadata=metadata)


def check_type(name: str, expected: Any, value: Any) -> None:
    """Checks the type of a size.

    Args:
        name: of the field.
        expected: int, float, str, bool, or anything else for a tuple of whole numbers.

    Raises:
        ConfigError: the value is of another type.
    """
    if expected is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif expected is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif expected in (str, bool):
        fits = isinstance(value, expected)
    else:
        fits = isinstance(value, tuple) and all(type(item) is int for item in value)
    if not fits:
        raise ConfigError(
            f"{name} must be {_KINDS.get(expected, 'a list of whole numbers')}, not "
            f"{reprlib.repr(value)}."
        )


def check_bounds(name: str, rule: Mapping[str, Any], value: Any) -> None:
    """Checks what `size` has declared.

    Args:
        name: of the field.
        rule: its metadata.

    Raises:
        ConfigError: the value is out of bounds, or none of its choices.
    """
    if isinstance(value, int) and value > MAX_PARAMETERS:
        # Beyond this a product of two has more digits than Python likes to print.
        raise ConfigError(
            f"{name} asks for more than {MAX_PARAMETERS:,} parameters; make it smaller."
        )
    if rule["choices"] is not None and value not in rule["choices"]:
        choices = ", ".join(rule["choices"])
        raise ConfigError(f"{name} must be one of {choices}, not {reprlib.repr(value)}.")
    possible: tuple[tuple[str, Any, Callable[[Any, Any], bool]], ...] = (
        ("at least", rule["minimum"], operator.ge),
        ("at most", rule["maximum"], operator.le),
        ("above", rule["above"], operator.gt),
        ("below", rule["below"], operator.lt),
    )
    rules = [(words, bound, fits) for words, bound, fits in possible if bound is not None]
    # NaN is within no bounds.
    if not all(fits(value, bound) for _, bound, fits in rules):
        bounds = " and ".join(f"{words} {bound}" for words, bound, _ in rules)
        raise ConfigError(f"{name} must be {bounds}, not {reprlib.repr(value)}.")
