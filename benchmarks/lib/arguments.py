"""Command-line arguments that several benchmarks share."""

import argparse
import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from common.command_line import start_log
from common.errors import UserError


def parser(
    doc: str | None,
    *,
    data: Literal["required", "optional", "none"] = "required",
    folder: str = "",
) -> argparse.ArgumentParser:
    """Creates a parser with `--data` and `--folder`; starts the log.

    From now on a user's mistake is one line.

    Args:
        doc: the docstring of the command; its first line is the description.
        data: whether the argument `--data` exists and is required.
        folder: the default of `--folder`; empty for no such argument.
    """
    sys.excepthook = _tell
    start_log()
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    if data != "none":
        made.add_argument(
            "--data", type=_existing, required=data == "required", help="folder of the data sets"
        )
    if folder:
        made.add_argument(
            "--folder", type=Path, default=Path(folder), help="for checkpoints and caches"
        )
    return made


def options_of(text: str) -> dict[str, Any]:
    """Parses `NAME=VALUE,NAME=VALUE`; values may be JSON, such as numbers, or strings."""
    options: dict[str, Any] = {}
    for pair in text.split(","):
        name, _, value = pair.partition("=")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def rows_among(known: Collection[str], separator: str = ";") -> Callable[[str], list[str]]:
    """The type of an argument that names rows of a table.

        >>> rows_among(["full", "LoRA, rank 8"])("LoRA, rank 8;full")
        ['LoRA, rank 8', 'full']

    Args:
        known: the names that there are.
        separator: what stands between two names.
    """

    def read(value: str) -> list[str]:
        names = value.split(separator)
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)}: no such row. There are: {f'{separator} '.join(known)}"
            )
        return names

    return read


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text}: there is no such file or folder")
    return path


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, UserError):
        print(f"error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def speed_parser(doc: str | None) -> argparse.ArgumentParser:
    """Creates a parser with the arguments that all speed benchmarks share."""
    made = parser(doc)
    made.add_argument(
        "--out", type=Path, default=Path("benchmark_results"), help="folder of the JSON results"
    )
    made.add_argument("--rounds", type=int, default=5, help="measurements of each side")
    made.add_argument(
        "--test_mode", action="store_true", help="a quick run whose times are not meaningful"
    )
    return made
