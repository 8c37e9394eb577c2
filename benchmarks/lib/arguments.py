"""Command-line arguments that several benchmarks share."""

import argparse
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal

from common.errors import UserError


def parser(
    doc: str | None,
    *,
    data: Literal["required", "optional", "none"] = "required",
    folder: str = "",
) -> argparse.ArgumentParser:
    """Creates a parser with `--data` and `--folder`; a user's mistake is from now on one line.

    Args:
        doc: the docstring of the command; its first line is the description.
        data: whether the argument `--data` exists and is required.
        folder: the default of `--folder`; empty for no such argument.
    """
    sys.excepthook = _tell
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    if data != "none":
        made.add_argument(
            "--data", type=Path, required=data == "required", help="the folder of the data sets"
        )
    if folder:
        made.add_argument(
            "--folder", type=Path, default=Path(folder), help="for checkpoints and caches"
        )
    return made


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
