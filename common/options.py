"""The options of a command: a frozen dataclass, each of whose fields is a flag of the same name.

    @dataclass(frozen=True)
    class RunOptions(Options):
        '''The run'''

        seed: int = option(42, "seed of everything that is drawn at random", minimum=0)

Functions take such an object and never read a flag; `common.parsing` makes one from a command
line. A class is a group of options, whose docstring is its title in `--help`; a command's class
inherits from all the groups that it needs. A field is a `bool`, `int`, `float`, `str` or
`list[str]`, or one of these `| None`, where None means that no value was given.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from common.errors import OptionError

REQUIRED = dataclasses.MISSING

_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of texts",
}


def option(
    default: Any,
    help: str,
    *,
    choices: Collection[str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    positional: bool = False,
) -> Any:
    """Declares a field of an options class.

    Args:
        default: the value if none is given, or `REQUIRED`.
        help: the text in `--help`.
        choices: the allowed values; of a list, the allowed items: at least one, each at most once.
            They are looked up at each check, so that a `Registry` may grow.
        minimum: the smallest allowed number.
        maximum: the largest allowed number.
        positional: whether it may also be given by its position, without its name.
    """
    metadata = {
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "positional": positional,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Options:
    """The base of all options classes: checks each value against its declaration.

    Raises:
        OptionError: a value is of the wrong type, none of its choices, or out of its bounds.

    Attributes:
        choosers: the options whose values decide which further groups of options there are.
    """

    choosers: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *args: Any, **values: Any) -> typing.Self:
        # As `Path()` gives a `PosixPath`: an instance has the further options of its values.
        return object.__new__(cls.complete(values))

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type["Options"], ...]:
        """The groups of options that come with these values of the `choosers`.

        A class that overrides this adds its groups to those of `super()`.
        """
        return ()

    @classmethod
    def complete(cls, values: Mapping[str, Any] = MappingProxyType({})) -> type[typing.Self]:
        """This class with its further groups.

        Args:
            values: by option; a chooser that is not among them has its default.
        """
        base = vars(cls).get("_completes", cls)
        known = declarations(base) if base.choosers else {}
        chosen = {name: values.get(name, known[name].default) for name in base.choosers}
        groups = tuple(dict.fromkeys(base.further_groups(chosen)))
        return _with_groups(base, groups) if groups else base

    def __reduce__(self) -> tuple[Any, ...]:
        # A class that was completed is in no module, where pickle could find it.
        return _make, (vars(type(self)).get("_completes", type(self)), self.to_dict())

    def __post_init__(self) -> None:
        for name, declaration in declarations(type(self)).items():
            declaration.check(getattr(self, name))

    def replace(self, **changes: Any) -> typing.Self:
        """A copy with some options changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The values by name, in the order of declaration, as JSON can hold them."""
        return dataclasses.asdict(self)


def make_options(
    name: str,
    fields: Mapping[str, tuple[Any, Any]],
    doc: str,
    *,
    bases: tuple[type, ...] = (Options,),
    module: str = __name__,
) -> Any:
    """Makes an options class from declarations that are kept elsewhere.

    Args:
        name: of the class.
        fields: (type, what `option` returns) by the field's name.
        doc: the group's title.
        bases: the classes that it inherits from.
        module: the module that holds the class under its name, for pickle.

    Returns:
        The class, as a class statement would make it. (For type checkers it is `Any`.)
    """
    described = [(field, kind, declared) for field, (kind, declared) in fields.items()]
    namespace = {"__doc__": doc, "__module__": module}
    return dataclasses.make_dataclass(
        name, described, bases=bases, namespace=namespace, frozen=True
    )


def _make(options_class: type[Options], values: Mapping[str, Any]) -> Options:
    return options_class(**values)


@functools.cache
def _with_groups(base: type[Options], groups: tuple[type[Options], ...]) -> Any:
    namespace = {"__doc__": base.__doc__, "__module__": base.__module__, "_completes": base}
    return dataclass(frozen=True)(type(base.__name__, (base, *groups), namespace))


@dataclass(frozen=True)
class Declaration:
    """The declaration of one option.

    Attributes:
        kind: bool, int, float, str or list.
        default: `REQUIRED` if there is none.
        help, choices, minimum, maximum, positional: as given to `option`.
    """

    name: str
    kind: type
    default: Any
    help: str
    choices: Collection[str] | None
    minimum: float | None
    maximum: float | None
    positional: bool

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def check(self, value: Any) -> None:
        """Checks a value.

        Raises:
            OptionError: the option cannot have this value.
        """
        if value is None and self.default is None:
            return
        if not self._is_of_kind(value):
            raise self.wrong(value, _TYPES[self.kind])
        if self.choices is not None:
            items, names = (value if self.kind is list else [value]), ", ".join(self.choices)
            if not items or len(set(items)) < len(items) or not set(items) <= set(self.choices):
                several = f"one or more of {names}, each at most once"
                raise self.wrong(value, several if self.kind is list else f"one of {names}")
        low, high = self.minimum, self.maximum
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            raise self.wrong(value, bounds)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.wrong(value, "a finite number")

    def wrong(self, value: Any, rule: str | None = None) -> OptionError:
        """The error for a value that breaks `rule`; without a rule, for a value of a wrong type."""
        return OptionError(f"--{self.name}={as_text(value)}: must be {rule or _TYPES[self.kind]}.")

    def _is_of_kind(self, value: Any) -> bool:
        if self.kind is list:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        return type(value) is self.kind or (self.kind is float and type(value) is int)


def declarations(options_class: type[Options]) -> dict[str, Declaration]:
    """The options of a class by name, in the order of declaration."""
    kinds, found = typing.get_type_hints(options_class), {}
    for field in dataclasses.fields(options_class):
        kind, default = kinds[field.name], field.default
        if isinstance(kind, types.UnionType):
            (kind,) = set(typing.get_args(kind)) - {types.NoneType}
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        kind = typing.get_origin(kind) or kind
        found[field.name] = Declaration(field.name, kind, default, **field.metadata)
    return found


def as_text(value: Any) -> str:
    """A value as the command line spells it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
