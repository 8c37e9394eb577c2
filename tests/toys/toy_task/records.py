"""The examples of the toy task: JSON lines `{"options": ["...", "..."], "answer": 1}`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from common.errors import InputError
from common.options import Options, option


@dataclass(frozen=True)
class ToyOptions(Options):
    """The toy (--task=toy)"""

    max_options: int = option(9, "most options that an example may have", minimum=2)


@dataclass(frozen=True)
class Choice:
    """An example.

    Attributes:
        options: the texts to choose from.
        answer: the index of the right one; None where it is not known.
        place: "file:line".
    """

    options: tuple[str, ...]
    answer: int | None
    place: str


def parse(text: str, path: str, line: int, max_options: int | None = None) -> Choice | None:
    """The example in a line; None for a blank one."""
    if not text.strip():
        return None
    try:
        record = json.loads(text)
        options, answer = tuple(record["options"]), record.get("answer")
        if not options or not all(type(each) is str for each in options):
            raise ValueError("options must be texts")
        if answer is not None and not 0 <= answer < len(options):
            raise ValueError(f"answer must be below {len(options)}")
        if max_options is not None and len(options) > max_options:
            raise ValueError(f"more than {max_options} options")
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"no example of the toy ({error!r})", path, line) from None
    return Choice(options, answer, f"{path}:{line}")


def read_choices(
    paths: Iterable[str], max_options: int, max_examples: int | None = None
) -> list[Choice]:
    """The examples in some files, in order."""
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found += [parse(text, path, line, max_options) for line, text in enumerate(file, 1)]
    return [choice for choice in found if choice is not None][:max_examples]
