"""Command-line arguments that several benchmarks share."""

import argparse
from pathlib import Path
from typing import Literal


def parser(
    doc: str | None,
    *,
    data: Literal["required", "optional", "none"] = "required",
    folder: str = "",
) -> argparse.ArgumentParser:
    """A parser with `--data` and `--folder`.

    Args:
        doc: the docstring of the command; its first line is the description.
        data: whether there is a `--data`, and whether it must be given.
        folder: the default of `--folder`; empty: there is no such argument.
    """
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    if data != "none":
        made.add_argument(
            "--data", type=Path, required=data == "required", help="the folder of the data sets"
        )
    if folder:
        made.add_argument(
            "--folder", type=Path, default=Path(folder), help="takes checkpoints and caches"
        )
    return made


def speed_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the arguments of every benchmark of speed."""
    made = parser(doc)
    made.add_argument("--out", type=Path, default=Path("benchmark_results"), help="for the JSON")
    made.add_argument("--rounds", type=int, default=5, help="measurements of each side")
    made.add_argument("--test_mode", action="store_true", help="a smoke run: its times say nothing")
    return made
