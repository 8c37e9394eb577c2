"""Reads documents from data files of all formats; `data_util.reading.records` lists them."""

import functools
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.choices import UNITS
from data_util.reading.line_format import LineParser
from data_util.reading.raw_lines import MAX_LINE_BYTES
from data_util.reading.records import Records
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import AnyPath, Source, sources
from data_util.reading.text_pairs import Text

logger = logging.getLogger(__name__)

_UNIT_NAMES = {
    "document": "a document per line",
    "sentence": "a sentence per line and a blank line between documents",
    "file": "one document",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A text, or a pair of texts, and where it comes from.

    Attributes:
        text: without white space around it and without labels; of a pair, the first.
        labels: distinct, in the order of the file; empty if labels are not wanted.
        path: the file.
        line: its (first) line in the file, from 1; in Parquet, its row.
        text_b: the second text of a pair; None for a single text.
        id: what the file calls it; None if it does not.
    """

    text: str
    labels: tuple[str, ...]
    path: str
    line: int
    text_b: str | None = None
    id: str | int | None = None

    @property
    def texts(self) -> Text:
        """The text, or both texts of a pair."""
        return self.text if self.text_b is None else (self.text, self.text_b)


def read_documents(
    paths: Iterable[AnyPath],
    *,
    labelled: bool,
    reading: Reading = DEFAULT_READING,
    unit: str | None = None,
    max_documents: int | None = None,
) -> Iterator[Document]:
    """Reads documents one by one: files may be larger than memory.

    Args:
        paths: files, folders or patterns, read one after the other.
        labelled: whether documents have labels. Otherwise labels are dropped.
        reading: how to read them.
        unit: what a document of plain text is. "document": a line. "sentence": lines up to a blank
            one, each a sentence, which are joined by line feeds. "file": a file, whose lines are
            joined likewise. None: "file" for the files of folders and patterns, or else
            "document". A record and a pair are a document either way, as is a line with labels.
        max_documents: the most documents to read, of all files together.

    Returns:
        The documents. Blank lines and empty texts are skipped, and so are, with a warning, records
        without labels, unless `reading.keep_unlabelled`.

    Raises:
        InputError: immediately for files that cannot be read and options that cannot be used;
            during reading for a wrong line, which the message names, and for a file without a
            document.
    """
    if unit is not None and unit not in UNITS:
        raise InputError(f"the unit must be one of {', '.join(UNITS)}. Received: {unit!r}")
    if unit not in (None, "document") and labelled:
        raise InputError('labelled documents are one line each: the unit must be "document"')
    if max_documents is not None and max_documents < 1:
        raise InputError(f"at least one document has to be read. Received: {max_documents}")
    found = sources(paths)
    units = ["document"] * len(found) if labelled else units_of(found, unit)
    if unit is None and "file" in units:
        log_once(
            f"{units.count('file'):,} files of folders and patterns: each file of plain text is a "
            "document (with --line_unit=document, each line of them)"
        )
    documents = (
        document
        for source, unit in zip(found, units, strict=True)
        for document in _documents_of(source, unit, labelled, reading)
    )
    return islice(documents, max_documents)


def units_of(found: Iterable[Source], unit: str | None) -> list[str]:
    """What a document of plain text is in each of some files, see `read_documents`."""
    return [unit or ("file" if source.one_of_many else "document") for source in found]


def read_texts(
    stream: BinaryIO, name: str, *, pairs: bool = False, reading: Reading = DEFAULT_READING
) -> Iterator[Document]:
    """Reads texts to predict labels for: exactly one document per line or record.

    Args:
        stream: such as standard input; never read further than the lines that are consumed.
        name: of the stream, for errors; its ending may decide the format.
        pairs: whether every text must be a pair; otherwise none may be.
        reading: how to read them.

    Returns:
        Documents without labels (labels in the stream are dropped); an empty line has the text "".

    Raises:
        InputError: naming a line that is wrong.
    """
    for found in texts_or_errors(stream, name, pairs=pairs, reading=reading):
        if isinstance(found, InputError):
            raise found
        yield found


def texts_or_errors(
    stream: BinaryIO, name: str, *, pairs: bool = False, reading: Reading = DEFAULT_READING
) -> Iterator[Document | InputError]:
    """Like `read_texts`, but gives the error of a line that is wrong: a caller can go on.

    Raises:
        InputError: the rest of the stream cannot be read.
    """
    parser = LineParser(name, labelled=False, reading=reading, pairs=pairs)
    records = Records(stream, name, reading)
    described = False
    for number, item in records:
        try:
            text, labels = parser.parse(item, number)
        except InputError as error:
            yield error
            continue
        if text and not described:
            described = True
            log_once(f"{name}: {describe(records, parser)}")
        yield _document(text, labels, name, number, parser.id)


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


def describe(records: Records, parser: LineParser, unit: str = "document") -> str:
    """What a file was taken for, once a document was read from it."""
    if parser.fields:
        what = "columns" if "table" in records.kind else "fields"
        kind = f"{records.kind or 'JSON lines'} with the {what} {', '.join(parser.fields)}"
    elif parser.pairs:
        kind = "plain text, a pair of texts per line with a tab between them"
    else:
        kind = f"plain text, {_UNIT_NAMES[unit]}"
    return f"{records.compression}, {kind}" if records.compression else kind


@functools.cache
def log_once(message: str, level: int = logging.INFO) -> None:
    """Logs a message once, though a file is read several times: for labels, words and ids."""
    logger.log(level, "%s", message)


def _documents_of(
    source: Source, unit: str, labelled: bool, reading: Reading
) -> Iterator[Document]:
    path, empty = source.path, True
    parser = LineParser(str(path), labelled=labelled, reading=reading)
    with path.open("rb") as file:
        records = Records(file, str(path), reading)
        lines = _lines_of(records, parser, str(path))
        for document in lines if unit == "document" else _joined(lines, records, parser, unit):
            if document.text:
                if empty and not source.one_of_many:
                    log_once(f"{path}: {describe(records, parser, unit)}")
                empty = False
                yield document
    if parser.without_labels:
        what = "are learned as examples of none" if reading.keep_unlabelled else "are left out"
        log_once(
            f"{path}: {parser.without_labels:,} documents have no labels and {what}",
            logging.WARNING,
        )
    if empty and not source.one_of_many:
        reason = "only records without labels" if parser.without_labels else "only blank lines"
        raise InputError(f"there is no text in this file, {reason}", path)


def _lines_of(records: Records, parser: LineParser, path: str) -> Iterator[Document]:
    """One document per line or record, blank ones included."""
    warned = False
    for number, item in records:
        if not warned and isinstance(item, str) and "\r" in item:
            warned = True
            log_once(
                f"{path}:{number}: a carriage return within the line ends no line here. If it "
                "should, as on an old Mac, write line feeds: tr '\\r' '\\n'",
                logging.WARNING,
            )
        text, labels = parser.parse(item, number)
        yield _document(text, labels, path, number, parser.id)


def _document(
    text: Text, labels: tuple[str, ...], path: str, line: int, id: str | int | None
) -> Document:
    first, second = (text, None) if isinstance(text, str) else text
    return Document(first, labels, path, line, second, id)


def _joined(
    lines: Iterable[Document], records: Records, parser: LineParser, unit: str
) -> Iterator[Document]:
    """Joins the sentences between blank lines, or all lines of a file."""
    sentences: list[Document] = []
    size = 0
    for line in lines:
        # A pair is a document of its own, and ends the one before it.
        alone = line.text_b is not None
        if line.text and not alone:
            sentences.append(line)
            size += len(line.text)
            if size > MAX_LINE_BYTES:
                raise InputError(
                    f"a document of more than {MAX_LINE_BYTES:,} characters: if each line of this "
                    "file is one, use --line_unit=document",
                    line.path,
                    line.line,
                )
        ended = alone or (not line.text and unit == "sentence")
        if sentences and (parser.is_json or records.kind or ended):
            yield _join(sentences)
            sentences, size = [], 0
        if alone:
            yield line
    if sentences:
        yield _join(sentences)


def _join(sentences: list[Document]) -> Document:
    first = sentences[0]
    text = "\n".join(sentence.text for sentence in sentences)
    return Document(text, (), first.path, first.line, None, first.id)
