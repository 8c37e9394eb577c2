"""Reads documents from files of plain text, labelled text or CAIL2018 JSON lines."""

import functools
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from common.errors import InputError
from common.files import digests, open_at_once
from data_util.choices import LABEL_FIELDS, UNITS
from data_util.reading.line_format import LineParser
from data_util.reading.raw_lines import raw_lines
from data_util.reading.text_pairs import Text

logger = logging.getLogger(__name__)

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Document:
    """A text, or a pair of texts, and where it comes from.

    Attributes:
        text: without white space around it and without labels; of a pair, the first.
        labels: distinct, in the order of the file; empty if labels are not wanted.
        path: the file.
        line: its (first) line in the file, from 1.
        text_b: the second text of a pair; None for a single text.
    """

    text: str
    labels: tuple[str, ...]
    path: str
    line: int
    text_b: str | None = None

    @property
    def texts(self) -> Text:
        """The text, or both texts of a pair."""
        return self.text if self.text_b is None else (self.text, self.text_b)


def read_documents(
    paths: Iterable[AnyPath],
    *,
    labelled: bool,
    label_field: str = "accusation",
    unit: str = "document",
    max_documents: int | None = None,
) -> Iterator[Document]:
    """Reads documents line by line: files may be larger than memory.

    Args:
        paths: read one after the other.
        labelled: whether every document must have labels. Otherwise labels are dropped.
        label_field: the one of `LABEL_FIELDS` that holds the labels of CAIL2018 records.
        unit: "document": each line is a document. "sentence": each line is a sentence, and a blank
            line ends a document, whose sentences are joined by line feeds; for text without labels.
            A CAIL2018 record and a pair are a document either way.
        max_documents: the most documents to read, of all files together.

    Returns:
        The documents. Blank lines and empty texts are skipped, and so are, with a warning, CAIL2018
        records whose list of labels is null or empty.

    Raises:
        InputError: immediately for files that cannot be read and options that cannot be used;
            during reading for a wrong line, which the message names, and for a file without a
            document.
    """
    if unit not in UNITS:
        raise InputError(f"the unit must be one of {', '.join(UNITS)}. Received: {unit!r}")
    if unit == "sentence" and labelled:
        raise InputError('labelled documents are one line each: the unit must be "document"')
    if max_documents is not None and max_documents < 1:
        raise InputError(f"at least one document has to be read. Received: {max_documents}")
    parsers = [
        (path, LineParser(str(path), labelled=labelled, label_field=label_field))
        for path in check_paths(paths)
    ]
    documents = (
        document
        for path, parser in parsers
        for document in _documents_of(path, parser, by_sentence=unit == "sentence")
    )
    return islice(documents, max_documents)


def read_texts(stream: BinaryIO, name: str, *, pairs: bool = False) -> Iterator[Document]:
    """Reads texts to predict labels for: exactly one document per line.

    Args:
        stream: such as standard input; never read further than the lines that are consumed.
        name: of the stream, for errors.
        pairs: whether every text must be a pair; otherwise none may be.

    Returns:
        Documents without labels (labels in the stream are dropped); an empty line has the text "".

    Raises:
        InputError: naming a line that is wrong.
    """
    for found in texts_or_errors(stream, name, pairs=pairs):
        if isinstance(found, InputError):
            raise found
        yield found


def texts_or_errors(
    stream: BinaryIO, name: str, *, pairs: bool = False
) -> Iterator[Document | InputError]:
    """Like `read_texts`, but gives the error of a line that is wrong: a caller can go on."""
    parser = LineParser(name, labelled=False, label_field=LABEL_FIELDS[0], pairs=pairs)
    for raw in raw_lines(stream):
        try:
            text, labels = parser.parse(raw.decode(name), raw.number)
        except InputError as error:
            yield error
        else:
            yield _document(text, labels, name, raw.number)


def locate_documents(
    documents: Iterable[int], paths: Iterable[AnyPath], **reading: Any
) -> list[str]:
    """Where documents are, for messages: "file:line", in ascending order.

    The files are read again: only the numbers of documents are kept while these are in use. If the
    files can no longer be read, the result gives the numbers.

    Args:
        documents: numbers of documents, from 0, in the order of the files.
        paths: the files.
        **reading: the arguments of `read_documents` when they were read.
    """
    wanted = {int(number) for number in documents}
    places = []
    try:
        for number, document in enumerate(read_documents(paths, **reading)):
            if number in wanted:
                places.append(f"{document.path}:{document.line}")
                if len(places) == len(wanted):
                    break
    except InputError:
        return [f"document {number} (from 0)" for number in sorted(wanted)]
    return places


def check_paths(paths: Iterable[AnyPath]) -> list[Path]:
    """Checks that files can be read and are not empty, before any work is done.

    Raises:
        InputError: one cannot be read; the message names it and says what to do.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    checked = [_checked(path) for path in paths]
    if not checked:
        raise InputError("no data file was named: name at least one")
    return checked


def check_unchanged(paths: Sequence[AnyPath], before: Sequence[str]) -> None:
    """Checks, after files were read, that they are still those that were hashed.

    Otherwise a cache that is keyed by the old content would hold the new one.

    Args:
        paths: the files.
        before: their `digests` before they were read.

    Raises:
        InputError: one has changed.
    """
    for path, old, new in zip(paths, before, digests(paths), strict=True):
        if old != new:
            raise InputError(
                "this file has changed while it was read: repeat the command when it is complete",
                path,
            )


def _checked(path: AnyPath) -> Path:
    if not os.fspath(path):
        raise InputError("the name of a data file is empty: name a file")
    try:
        with open(path, "rb", opener=open_at_once) as file:
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        raise InputError(
            f"there is no such file (looked for from {Path.cwd()}): check the name", path
        ) from None
    except IsADirectoryError:
        raise InputError("this is a folder: name a file in it", path) from None
    except PermissionError:
        raise InputError(
            "no permission to read this file: change it, or name another", path
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"this file cannot be opened: {error}", path) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a regular file, which can be read again: write a file first", path)
    if not status.st_size:
        raise InputError("the file is empty: was it written, or downloaded, whole?", path)
    return Path(path)


def _documents_of(path: Path, parser: LineParser, *, by_sentence: bool) -> Iterator[Document]:
    lines = _lines_of(path, parser)
    empty = True
    for document in _joined(lines, parser) if by_sentence else lines:
        if document.text:
            empty = False
            yield document
    if parser.without_labels:
        _warn_once(f"{path}: {parser.without_labels:,} records have no labels and are left out")
    if empty:
        reason = "only records without labels" if parser.without_labels else "only blank lines"
        raise InputError(f"there is no text in this file, {reason}", path)


@functools.cache
def _warn_once(message: str) -> None:
    """Logs a warning once, though a file is read several times: for labels, words and ids."""
    logger.warning("%s", message)


def _lines_of(path: Path, parser: LineParser) -> Iterator[Document]:
    """One document per line, blank ones included."""
    name, warned = str(path), False
    with path.open("rb") as file:
        for raw in raw_lines(file):
            line = raw.decode(name)
            if "\r" in line and not warned:
                warned = True
                _warn_once(
                    f"{name}:{raw.number}: a carriage return within the line ends no line here. If "
                    "it should, as on an old Mac, write line feeds: tr '\\r' '\\n'"
                )
            text, labels = parser.parse(line, raw.number)
            yield _document(text, labels, name, raw.number)


def _document(text: Text, labels: tuple[str, ...], path: str, line: int) -> Document:
    first, second = (text, None) if isinstance(text, str) else text
    return Document(first, labels, path, line, second)


def _joined(lines: Iterable[Document], parser: LineParser) -> Iterator[Document]:
    """Joins the sentences between blank lines."""
    sentences: list[Document] = []
    for line in lines:
        # A pair is a document of its own, and ends the one before it.
        alone = line.text_b is not None
        if line.text and not alone:
            sentences.append(line)
        if sentences and (parser.is_json or alone or not line.text):
            yield _join(sentences)
            sentences = []
        if alone:
            yield line
    if sentences:
        yield _join(sentences)


def _join(sentences: list[Document]) -> Document:
    first = sentences[0]
    text = "\n".join(sentence.text for sentence in sentences)
    return Document(text, (), first.path, first.line)
