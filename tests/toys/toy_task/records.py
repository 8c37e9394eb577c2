"""A question without words: JSON lines `{"options": ["...", "..."], "answer": 1}`."""

import json
from dataclasses import dataclass

from common.errors import InputError
from common.options import Options, option


@dataclass(frozen=True)
class ToyOptions(Options):
    """The toy (--task=toy_choice)"""

    max_options: int = option(9, "most options that an example may have", minimum=2)


@dataclass(frozen=True)
class Choice:
    """An example.

    Attributes:
        options: the texts to choose from.
        answer: the index of the right one; None where it is not known.
        path, line: where it stands.
    """

    options: tuple[str, ...]
    answer: int | None
    path: str
    line: int


def parse(text, path, line, max_options=None):
    """The example in a line; None for a blank one."""
    if not text.strip():
        return None
    try:
        record = json.loads(text)
        options = tuple(record["options"])
        answer = record.get("answer")
        if not options or not all(type(each) is str for each in options):
            raise ValueError("options must be texts")
        if answer is not None and not 0 <= answer < len(options):
            raise ValueError(f"answer must be below {len(options)}")
        if max_options is not None and len(options) > max_options:
            raise ValueError(f"more than {max_options} options")
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"no example of the toy ({error!r})", path, line) from None
    return Choice(options, answer, path, line)


def read_examples(paths, max_options, max_examples):
    """The examples of some files, in order."""
    examples = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            parsed = [parse(text, path, n, max_options) for n, text in enumerate(file, 1)]
        examples += [example for example in parsed if example is not None]
    return examples[:max_examples]
