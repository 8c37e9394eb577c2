"""Parses a command line into options, and prints `--help`."""

import difflib
import inspect
import itertools
import os
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from common.errors import OptionError
from common.files import read_json
from common.options import Declaration, Options, as_text, declarations

OPTIONS_FILE = "options_file"

_FILE_HELP = (
    "a JSON file that holds an object of option names and values, or the config.json of a "
    "checkpoint, to repeat the run that wrote it; the command line takes precedence"
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

OptionsT = TypeVar("OptionsT", bound=Options)


def parse_options(
    options_class: type[OptionsT], arguments: Sequence[str]
) -> tuple[OptionsT, frozenset[str]]:
    """Parses a command line: `--name=value`, `--name value`, `--flag`, `--noflag`, positions.

    Args:
        options_class: the options that there are.
        arguments: the command line without the program's name.

    Returns:
        The options, and the names of those that were given, here or in `--options_file`.

    Raises:
        OptionError: an unknown option, or a value that is not allowed.
    """
    options_class = _complete(options_class, arguments)
    known = declarations(options_class)
    named, unnamed = _split(known, arguments)
    positions = [name for name, declaration in known.items() if declaration.positional]
    if positions and known[positions[-1]].kind is list and len(unnamed) > len(positions):
        # The last position takes all that are left, as in `program FILE...`.
        last = len(positions) - 1
        unnamed[last:] = [",".join(unnamed[last:])]
    if len(unnamed) > len(positions):
        raise OptionError(
            f"{unnamed[len(positions)]!r} is not an option; options are --name=value "
            "(--help lists them)."
        )
    for name, text in zip(positions, unnamed, strict=False):
        if name in named:
            raise OptionError(
                f"--{name}={named[name]}: given twice, by name and by position ({text!r})."
            )
        named[name] = text
    given: dict[str, Any] = {}
    if file := named.pop(OPTIONS_FILE, ""):
        given |= _read_file(options_class, Path(file))
    given |= {name: _value(known[name], text) for name, text in named.items()}
    given = {name: _with_home(value) for name, value in given.items()}
    for name, declaration in known.items():
        if declaration.required and name not in given:
            raise OptionError(f"{name.upper()} is missing: {declaration.help}.")
    return options_class(**given), frozenset(given)


def help_text(
    options_class: type[Options], command: str, description: str, arguments: Sequence[str] = ()
) -> str:
    """What `--help` prints: the options in their groups, with their defaults.

    Args:
        options_class: the command's options.
        command: how the command is started.
        description: what the command is for.
        arguments: the rest of the command line, which may choose further options.
    """
    options_class = _complete(options_class, arguments)
    known = declarations(options_class)
    positions = [
        (name.upper() + "..." * (declaration.kind is list))
        if declaration.required
        else f"[{name.upper()}]"
        for name, declaration in known.items()
        if declaration.positional
    ]
    lines = [f"usage: {' '.join([command, *positions])} [--option=value ...]", ""]
    lines.append(textwrap.fill(description, 80))
    shown: set[str] = set()
    for group in options_class.__mro__:
        names = [name for name in inspect.get_annotations(group) if name in known.keys() - shown]
        shown.update(names)
        if names:
            lines += ["", f"{group.__doc__}:"]
        for name in names:
            default, choices = known[name].default, known[name].choices
            lines.append(f"  --{name}={'' if known[name].required else as_text(default)}")
            lines.append(
                _indented(known[name].help + (f" [{' | '.join(choices)}]" if choices else ""))
            )
    lines += ["", "Options from a file:", f"  --{OPTIONS_FILE}=", _indented(_FILE_HELP)]
    return "\n".join(lines)


def _split(
    known: dict[str, Declaration], arguments: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """The values that are given by name, and those that are given by position."""
    named: dict[str, str] = {}
    unnamed: list[str] = []
    flags = {name for name, declaration in known.items() if declaration.kind is bool}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--"):
            unnamed.append(argument)
            continue
        name, equals, text = argument[2:].partition("=")
        positive = name.removeprefix("no")
        if name not in known and positive in flags and not equals:
            name, text = positive, "false"
        elif name not in known and name != OPTIONS_FILE:
            raise _unknown(name, known)
        elif name in flags and not equals:
            text = "true"
        elif not equals:
            if not rest or rest[0].startswith("--"):
                raise OptionError(f"--{name}: its value is missing; write --{name}=VALUE.")
            text = rest.pop(0)
        named[name] = text
    return named, unnamed


def _value(declaration: Declaration, text: str) -> Any:
    try:
        if declaration.kind is bool:
            return _BOOLEANS[text.lower()]
        if declaration.kind is list:
            return [part.strip() for part in text.split(",")] if text else []
        return declaration.kind(text)
    except (KeyError, ValueError):
        raise declaration.wrong(text) from None


def _with_home(value: Any) -> Any:
    """Replaces `~/` at the beginning of a path, which shells do not do after `--name=`."""
    if isinstance(value, list):
        return [_with_home(each) for each in value]
    return os.path.expanduser(value) if isinstance(value, str) and value[:1] == "~" else value


def _complete(options_class: type[OptionsT], arguments: Sequence[str]) -> type[OptionsT]:
    """The class with the groups of options that the arguments choose; see `Options.choosers`."""
    if not options_class.choosers:
        return options_class.complete()
    known = declarations(options_class)
    texts = {}
    for argument, following in itertools.pairwise([*arguments, ""]):
        name, equals, text = argument.removeprefix("--").partition("=")
        texts[name] = text if equals else following
    values = _file_values(Path(texts[OPTIONS_FILE])) if texts.get(OPTIONS_FILE) else {}
    given = {name: texts[name] for name in options_class.choosers if name in texts}
    return options_class.complete(
        values | {name: _value(known[name], text) for name, text in given.items()}
    )


def _read_file(options_class: type[Options], path: Path) -> dict[str, Any]:
    """Reads the values in a JSON file and checks them, so that errors name the file."""
    known, values = declarations(options_class), _file_values(path)
    try:
        # The command line may have chosen something else, which has no use for some of them.
        of_file = declarations(options_class.complete(values))
        for name in [name for name in values if name not in known and name in of_file]:
            del values[name]
        for name, value in values.items():
            if name not in known:
                raise _unknown(name, known)
            known[name].check(value)
    except OptionError as error:
        raise OptionError(error.message, path) from None
    return values


def _file_values(path: Path) -> dict[str, Any]:
    values = read_json(path, "an object of option names and values", OptionError)
    options = values.get("options")
    return options if isinstance(options, dict) else values


def _unknown(name: str, known: Iterable[str]) -> OptionError:
    near = difflib.get_close_matches(name, [*known, OPTIONS_FILE], n=1)
    question = f"did you mean --{near[0]}? " if near else ""
    return OptionError(f"--{name}: there is no such option; {question}(--help lists the options)")


def _indented(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, 74), " " * 6)
