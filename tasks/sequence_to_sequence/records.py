"""Reads sources and targets: `source<TAB>target`, JSON `{"source", "target"}`, or a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from common.errors import InputError
from data_util.reading.documents import Document, read_documents, texts_or_errors
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.data import Files, Line

SOURCE, TARGET = "source", "target"
NO_EXAMPLE = (
    "this is no example: `source<TAB>target` with one tab and two texts is expected, or a JSON "
    'record {"source": "...", "target": "..."} (other names: --text_field=A,B)'
)


@dataclass(frozen=True, slots=True)
class SourceAndTarget:
    """An example.

    Attributes:
        source: the text that is read.
        target: the text that is to be written.
        path, line: where it is.
    """

    source: str
    target: str
    path: str
    line: int

    @property
    def place(self) -> str:
        """As "file:line"."""
        return f"{self.path}:{self.line}"


def read_examples(
    files: Sequence[str] | Sequence[Path],
    reading: Reading = DEFAULT_READING,
    max_examples: int | None = None,
) -> Iterator[SourceAndTarget]:
    """Reads examples one by one.

    Args:
        files: read one after the other.
        reading: how to read them; `text_field` names the source and the target, if it is given.
        max_examples: the most examples to read; None: all.

    Raises:
        InputError: a file cannot be read, or an example is not whole.
    """
    for document in read_documents(
        files,
        labelled=False,
        unit="document",
        reading=reading_of(reading),
        max_documents=max_examples,
    ):
        yield _example(document)


def reading_of(reading: Reading) -> Reading:
    """The settings with which examples are read as pairs."""
    return reading.replace(text_field=reading.text_field or (SOURCE, TARGET), pairs=True)


def _example(document: Document) -> SourceAndTarget:
    if document.text_b is None:
        raise InputError(NO_EXAMPLE, document.path, document.line)
    return SourceAndTarget(document.text, document.text_b, document.path, document.line)


def training_texts(files: Files, reading: Reading) -> Iterator[tuple[str, str]]:
    """The training texts, read while they are asked for."""
    return ((each.source, each.target) for each in read_examples(files["train"], reading))


def read_sources(stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING) -> Iterator[Line]:
    """The source on each line; a target after a tab is left out."""
    field = (reading.text_field or (SOURCE,))[:1]
    reading = reading.replace(text_field=field, pairs=True)
    for found in texts_or_errors(stream, name, pairs=False, reading=reading):
        if isinstance(found, InputError):
            yield Line(found.line or 0, error=found)
        else:
            source = found.text.partition("\t")[0].strip()
            yield Line(found.line, source or None, found.id)
