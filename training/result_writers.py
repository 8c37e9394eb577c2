"""Writes the results of predict.py as JSON lines or as CSV."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from common.spreadsheets import inert

_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")

# Takes a result, with what was added to it: "id", "text" and the like, "error".
Write = Callable[[dict[str, Any]], None]


def jsonl_writer(target: BinaryIO) -> Write:
    """Writes each result as a JSON object on a line of its own, in UTF-8."""

    def write(result: dict[str, Any]) -> None:
        target.write((json.dumps(result, ensure_ascii=False) + "\n").encode())

    return write


def csv_writer(
    target: BinaryIO,
    added: Sequence[str],
    columns: Sequence[str],
    cells: Callable[[dict[str, Any]], Sequence[Any]],
) -> Write:
    """Writes a header, and each result as a row, in UTF-8: text is quoted, numbers are not.

    A text that a spreadsheet would compute as a formula gets an apostrophe before it; a number is
    left as it is.

    Args:
        target: what is written to.
        added: the keys of results that are columns of their own, before the others ("error": the
            last).
        columns: the names of the task's columns.
        cells: gives the values of these columns for a result.
    """
    rows = csv.writer(_Encoding(target), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    before = [name for name in added if name != "error"]
    after = [name for name in added if name == "error"]
    rows.writerow([*before, *columns, *after])

    def write(result: dict[str, Any]) -> None:
        values = (
            *(result.get(name) for name in before),
            *cells(result),
            *(result.get(name) for name in after),
        )
        rows.writerow([_cell(value) for value in values])

    return write


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if _NUMBER.fullmatch(text) else inert(text)


class _Encoding:
    """What `csv.writer` writes to."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        return self._target.write(text.encode())
