"""Labelled examples as the check of data files sees them, wrong ones included."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from common.errors import InputError
from data_util.reading.documents import Document, describe
from data_util.reading.examples import ExampleReader
from data_util.reading.line_format import LineParser
from data_util.reading.records import Records
from data_util.reading.settings import Reading

Example = TypeVar("Example")


@dataclass(frozen=True, slots=True)
class CheckedExample:
    """What is checked of an example.

    Attributes:
        line: where it begins, from 1.
        texts: what a model reads of it at once: of several choices, the longest.
        truth: what is learned; None: nothing, as of free text.
        shown: the truth in a few words.
        labels: those that are counted; one may come several times.
        key: two examples with the same key are the same one, and contradict each other if their
            truths differ; (): the key is `texts`.
        group: a text that examples of two splits should not share, though their keys differ; ""
            if there is none.
        numbers: further numbers by name, whose distribution is reported.
        oddities: what is strange about it: a sentence each that goes on from "12 texts ...".
        kind: what its file was taken for, such as "JSON lines"; "" if that is not known.
    """

    line: int
    texts: tuple[str, ...]
    truth: Hashable = None
    shown: str = ""
    labels: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    group: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    oddities: tuple[str, ...] = ()
    kind: str = ""


# A line and its example; None for a blank line, or what is wrong with the line.
Checked = tuple[int, CheckedExample | InputError | None]
# Gives the lines of a file; an `InputError` that it raises is of a line, and ends the file.
ReadChecked = Callable[[Path, Reading], Iterator[Checked]]


def checked_document(document: Document, kind: str = "") -> CheckedExample:
    """A document with its labels."""
    texts = (document.text,) if document.text_b is None else (document.text, document.text_b)
    return CheckedExample(
        document.line,
        texts,
        truth=frozenset(document.labels),
        shown=", ".join(document.labels),
        labels=document.labels,
        kind=kind,
    )


def check_documents(path: Path, reading: Reading) -> Iterator[Checked]:
    """Documents with labels, or without; see `ReadChecked`."""
    return _documents(path, reading, labelled=True)


def check_texts(path: Path, reading: Reading) -> Iterator[Checked]:
    """Documents of free text; see `ReadChecked`."""
    return _documents(path, reading, labelled=False)


def _documents(path: Path, reading: Reading, *, labelled: bool) -> Iterator[Checked]:
    reading = reading.replace(keep_unlabelled=True)
    parser = LineParser(str(path), labelled=labelled, reading=reading)
    kind = ""
    with path.open("rb") as file:
        records = Records(file, str(path), reading)
        for number, item in records:
            try:
                text, labels = parser.parse(item, number)
            except InputError as error:
                yield number, error
                continue
            if not text:
                yield number, None
                continue
            kind = kind or describe(records, parser)
            first, second = (text, None) if isinstance(text, str) else text
            document = Document(first, labels, str(path), number, second)
            found = checked_document(document, kind)
            yield number, found if labelled else CheckedExample(number, found.texts, kind=kind)


def check_records(
    reader: ExampleReader[Example], path: Path, check: Callable[[Example, int], CheckedExample]
) -> Iterator[Checked]:
    """The examples of a file; see `ReadChecked`.

    Args:
        reader: reads them.
        path: the file.
        check: gives what is checked of an example and its line; it may raise an `InputError`.
    """
    with path.open("rb") as file:
        for number, found in reader.stream(file, str(path)):
            if found is None or isinstance(found, InputError):
                yield number, found
                continue
            try:
                yield number, replace(check(found, number), kind=reader.kind)
            except InputError as error:
                yield number, error
