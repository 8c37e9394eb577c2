"""Options of a script that does not exist, parsed and refused."""

from dataclasses import dataclass

import pytest

from common.errors import OptionError
from common.options import REQUIRED, Options, option
from common.parsing import parse_options


@dataclass(frozen=True)
class Speed(Options):
    """How fast"""

    num_epochs: int = option(10, "how often", minimum=1)
    learning_rate: float | None = option(None, "how far", minimum=0)


@dataclass(frozen=True)
class Sample(Speed):
    """What and where"""

    source: str = option("in", "from where", positional=True)
    out: str = option("out", "to where", positional=True)
    overwrite: bool = option(False, "replace what is there")
    lower_case: bool | None = option(None, "in lower case")
    kind: str = option("a", "what kind", choices=("a", "b"))
    files: list[str] = option(["x", "y"], "which files")


@dataclass(frozen=True)
class Needy(Options):
    """What is needed"""

    file: str = option(REQUIRED, "the file that is read", positional=True)


def parse(*arguments, options_class=Sample):
    return parse_options(options_class, arguments)


def refusal(*arguments, options_class=Sample):
    with pytest.raises(OptionError) as caught:
        parse_options(options_class, arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)
