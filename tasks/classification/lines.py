"""Reads what predict.py labels: a text, or a pair of texts, on each line."""

from collections.abc import Iterator
from typing import BinaryIO

from common.errors import InputError
from data_util.reading.documents import texts_or_errors
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.data import Line


def read_lines(
    stream: BinaryIO, name: str, *, pairs: bool, reading: Reading = DEFAULT_READING
) -> Iterator[Line]:
    """The text, or the pair, of each line."""
    for found in texts_or_errors(stream, name, pairs=pairs, reading=reading):
        if isinstance(found, InputError):
            yield Line(found.line or 0, error=found)
        else:
            yield Line(found.line, found.texts if found.text else None, found.id)
