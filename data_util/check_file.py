"""Checks a data file and reports all of its errors, not only the first one.

    python -m data_util.check_file FILE [--label_field=relevant_articles] [--free_text]

The exit status is 0 if training can read the file, 1 if a line is wrong or there is no document, 2
if the file cannot be read.
"""

import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from common.command_line import run
from common.errors import InputError
from common.options import REQUIRED, Options, option
from data_util.choices import LABEL_FIELDS
from data_util.reading.documents import check_paths
from data_util.reading.line_format import LineParser
from data_util.reading.raw_lines import raw_lines

_SHOWN_ERRORS = 20
_SHOWN_LABELS = 20
_RARE = 10


@dataclass(frozen=True)
class CheckFileOptions(Options):
    """The check of a data file"""

    file: str = option(REQUIRED, "text or CAIL2018 JSON lines", positional=True)
    label_field: str = option(
        LABEL_FIELDS[0], "which labels of CAIL2018 JSON lines to read", choices=LABEL_FIELDS
    )
    free_text: bool = option(False, "a file for pre-training, whose lines need no labels")


@dataclass
class DocumentReport:
    """What a file holds; its size grows with the number of distinct labels and lengths, not lines.

    Attributes:
        is_json: whether it is CAIL2018 JSON lines; None if no line has text.
        lengths: number of documents by number of characters (of both texts of a pair).
        pairs: number of documents that are pairs of texts.
        pair_characters: characters of all first texts, and of all second ones.
        label_counts: number of documents by label.
        labels_per_document: number of documents by number of labels.
        without_labels: number of records that training leaves out, because they have no labels.
        wrong: number of lines that cannot be used.
        first_errors: line number and reason of the first of them.
    """

    path: str
    labelled: bool
    is_json: bool | None = None
    lines: int = 0
    blank_lines: int = 0
    without_labels: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    pairs: int = 0
    pair_characters: tuple[int, int] = (0, 0)
    label_counts: Counter[str] = field(default_factory=Counter)
    labels_per_document: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    first_errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return self.lengths.total()

    @property
    def in_order(self) -> bool:
        """Whether training can read the file."""
        return not self.wrong and bool(self.documents)


def check_file(path: Path, *, labelled: bool, label_field: str = "accusation") -> DocumentReport:
    """Reads a whole file as `read_documents` does, but continues after wrong lines.

    Raises:
        InputError: the file cannot be read.
    """
    (path,) = check_paths([path])
    report = DocumentReport(str(path), labelled)
    parser = LineParser(str(path), labelled=labelled, label_field=label_field)
    with path.open("rb") as file:
        for raw in raw_lines(file):
            report.lines += 1
            try:
                line = raw.decode(report.path)
                text, labels = parser.parse(line, raw.number)
            except InputError as error:
                report.wrong += 1
                if len(report.first_errors) < _SHOWN_ERRORS:
                    report.first_errors.append((raw.number, error.message))
                continue
            if text:
                parts = (text,) if isinstance(text, str) else text
                report.lengths[sum(map(len, parts))] += 1
                if isinstance(text, tuple):
                    first, second = report.pair_characters
                    report.pair_characters = (first + len(text[0]), second + len(text[1]))
                    report.pairs += 1
                report.label_counts.update(labels)
                report.labels_per_document[len(labels)] += 1
            else:
                report.blank_lines += 1
    report.is_json = parser.is_json
    report.without_labels = parser.without_labels
    report.blank_lines -= parser.without_labels
    return report


def report_lines(report: DocumentReport) -> Iterator[str]:
    """The lines of the report that the command prints."""
    kind = "labelled" if report.labelled else "free"
    what = "pairs of texts" if report.pairs and report.pairs == report.documents else "text"
    form = "plain text"
    if report.is_json:
        form = "JSON lines" if report.pairs else "CAIL2018 JSON lines"
    yield f"{report.path}: {form}, as {kind} {what}"
    yield (
        f"{report.lines:,} lines: {report.documents:,} documents, {report.blank_lines:,} blank, "
        f"{report.wrong:,} wrong"
    )
    if report.without_labels:
        yield f"{report.without_labels:,} records have no labels: training leaves them out"
    if report.documents:
        characters = sum(length * count for length, count in report.lengths.items())
        yield (
            f"{characters:,} characters: {characters / report.documents:,.1f} per document on "
            f"average, median {_median(report.lengths):,.1f}, longest {max(report.lengths):,}"
        )
    if report.pairs:
        first, second = (characters / report.pairs for characters in report.pair_characters)
        yield (
            f"{report.pairs:,} pairs of texts: first {first:,.1f}, second {second:,.1f} "
            "characters on average"
        )
    if report.label_counts:
        yield from _label_lines(report)
    if report.first_errors:
        yield ""
        yield "Wrong lines:"
        yield from (f"  line {number}: {reason}" for number, reason in report.first_errors)
        if report.wrong > len(report.first_errors):
            yield f"  and {report.wrong - len(report.first_errors):,} more"
    elif not report.documents:
        yield "There is no text in this file, only blank lines."
    else:
        yield "Every line can be used."


def main() -> None:
    """Runs the command; see the top of this file for its exit status."""
    run(_check, CheckFileOptions, "Check a data file: what is in it, and which lines are wrong.")


def _check(options: CheckFileOptions) -> None:
    report = check_file(
        Path(options.file), labelled=not options.free_text, label_field=options.label_field
    )
    try:
        print("\n".join(report_lines(report)), flush=True)
    finally:
        # Even if nobody reads the report to its end (`... | head`).
        if not report.in_order:
            sys.exit(1)


def _label_lines(report: DocumentReport) -> Iterator[str]:
    counts = report.label_counts
    per_document = report.labels_per_document
    rare = sum(count < _RARE for count in counts.values())
    yield (
        f"{len(counts):,} labels, {counts.total() / report.documents:.2f} per document, at most "
        f"{max(per_document)}; {rare:,} labels have fewer than {_RARE} documents"
    )
    yield ""
    yield f"The {min(_SHOWN_LABELS, len(counts))} most frequent labels:"
    yield "  documents   share  label"
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for label, count in in_order[:_SHOWN_LABELS]:
        yield f"  {count:9,}  {count / report.documents:6.1%}  {label}"


def _median(lengths: Counter[int]) -> float:
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


if __name__ == "__main__":
    main()
