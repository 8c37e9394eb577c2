"""What a data file holds, and which of its lines are wrong."""

import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import InputError
from data_util.inputs import token_budget
from data_util.labelled.troubles import TroubleFinder
from data_util.reading.documents import Document, describe
from data_util.reading.line_format import LineParser
from data_util.reading.records import Item, Records
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import checked_file
from data_util.reading.text_pairs import Text
from data_util.tokens.tokenizers import Tokenizer

_SHOWN_ERRORS = 20
_SHOWN_DOCUMENTS = 3


@dataclass
class FileReport:
    """What a file holds; its size grows with the number of distinct labels and lengths, not lines.

    Attributes:
        kind: what it was taken for, such as "JSON lines with the fields fact, meta.accusation"; ""
            if it has no text.
        lengths: number of documents by number of characters (of both texts of a pair).
        tokens: number of documents by number of tokens, if they were counted.
        pairs: number of documents that are pairs of texts.
        pair_characters: characters of all first texts, and of all second ones.
        label_counts: number of documents by label.
        labels_per_document: number of documents by number of labels.
        first_documents: the first of them.
        wrong: number of lines that cannot be used.
        first_errors: line number and reason of the first of them.
    """

    path: str
    labelled: bool
    kind: str = ""
    lines: int = 0
    blank_lines: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    pairs: int = 0
    pair_characters: tuple[int, int] = (0, 0)
    label_counts: Counter[str] = field(default_factory=Counter)
    labels_per_document: Counter[int] = field(default_factory=Counter)
    first_documents: list[Document] = field(default_factory=list)
    wrong: int = 0
    first_errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return self.lengths.total()

    @property
    def in_order(self) -> bool:
        """Whether training can read the file."""
        return not self.wrong and bool(self.documents)

    def too_long(self, sequence_length: int) -> int:
        """How many documents have more tokens than fit into a sequence."""
        room = token_budget(sequence_length, pairs=bool(self.pairs))
        return sum(count for length, count in self.tokens.items() if length > room)


def check_file(
    path: Path,
    *,
    labelled: bool,
    reading: Reading = DEFAULT_READING,
    tokenizer: Tokenizer | None = None,
    finder: TroubleFinder | None = None,
) -> FileReport:
    """Reads a whole file as `read_documents` does, but continues after wrong lines.

    Args:
        path: the file.
        labelled: whether its documents have labels; those without are counted.
        reading: how to read it.
        tokenizer: counts the tokens of each document; None: they are not counted.
        finder: is given all documents, as the split of the file's name.

    Raises:
        InputError: the file cannot be read.
    """
    path = checked_file(path)
    report = FileReport(str(path), labelled)
    parser = LineParser(
        report.path, labelled=labelled, reading=reading.replace(keep_unlabelled=True)
    )
    with path.open("rb") as file:
        records = Records(file, report.path, reading)
        for number, item in _to_the_end(records, report):
            report.lines += 1
            try:
                text, labels = parser.parse(item, number)
            except InputError as error:
                _add_error(report, number, error.message)
                continue
            if not text:
                report.blank_lines += 1
                continue
            first, second = (text, None) if isinstance(text, str) else text
            document = Document(first, labels, report.path, number, second, parser.id)
            report.kind = report.kind or describe(records, parser)
            _add(report, document, text, tokenizer)
            if finder is not None:
                finder.add(report.path, document)
    return report


def _to_the_end(records: Records, report: FileReport) -> Iterator[tuple[int, Item]]:
    """The lines or records; what ends the reading before the file does is an error of its line."""
    try:
        yield from records
    except InputError as error:
        _add_error(report, error.line or 1, error.message)


def _add_error(report: FileReport, line: int, message: str) -> None:
    report.wrong += 1
    if len(report.first_errors) < _SHOWN_ERRORS:
        report.first_errors.append((line, message))


def _add(report: FileReport, document: Document, text: Text, tokenizer: Tokenizer | None) -> None:
    parts = (text,) if isinstance(text, str) else text
    report.lengths[sum(map(len, parts))] += 1
    if tokenizer is not None:
        report.tokens[sum(len(tokenizer.tokenize(part)) for part in parts)] += 1
    if isinstance(text, tuple):
        first, second = report.pair_characters
        report.pair_characters = (first + len(text[0]), second + len(text[1]))
        report.pairs += 1
    report.label_counts.update(document.labels)
    report.labels_per_document[len(document.labels)] += 1
    if len(report.first_documents) < _SHOWN_DOCUMENTS:
        report.first_documents.append(document)


def median(lengths: Counter[int]) -> float:
    """The median of lengths that are given by their counts."""
    total = lengths.total()
    middle = ((total - 1) // 2, total // 2)
    found: list[int] = []
    seen = 0
    for length in sorted(lengths):
        seen += lengths[length]
        while len(found) < 2 and middle[len(found)] < seen:
            found.append(length)
    return statistics.mean(found)
