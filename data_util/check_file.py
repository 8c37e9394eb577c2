"""Checks data files: all errors, not only the first, and what is suspicious in labelled ones.

    python -m data_util.check_file FILE... [--text_field=body] [--label_field=topic] [--free_text]

Several files are the splits of one set: the training file first. The exit status is 0 if training
can read the files, 1 if a line is wrong or there is no document, 2 if a file cannot be read.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.command_line import printable, run
from common.options import REQUIRED, Options, option
from data_util.labelled.file_report import FileReport, check_file, median
from data_util.labelled.troubles import RARE, TroubleFinder
from data_util.reading.file_options import LabelOptions, TextFileOptions
from data_util.reading.sources import data_files
from data_util.tokens.tokenizers import make_tokenizer

_SHOWN_LABELS = 20
_SHOWN_CHARACTERS = 60
# Word pieces need the vocabulary of a release.
_STYLES = ("word", "char", "space")


@dataclass(frozen=True)
class _Files(Options):
    """The files"""

    file: list[str] = option(
        REQUIRED,
        "files of text, JSON or tables; several are the splits of one set, the training file first",
        positional=True,
    )


@dataclass(frozen=True)
class CheckFileOptions(TextFileOptions, LabelOptions, _Files):
    """The check of data files"""

    free_text: bool = option(False, "files for pre-training, whose lines need no labels")
    sequence_length: int = option(512, "counts the documents that are longer", minimum=4)
    tokenize_style: str = option("word", "how their tokens are counted", choices=_STYLES)


def report_lines(report: FileReport, sequence_length: int) -> Iterator[str]:
    """The lines about one file that the command prints."""
    kind = "labelled" if report.labelled else "free"
    what = "pairs of texts" if report.pairs and report.pairs == report.documents else "text"
    yield f"{report.path}: {report.kind or 'plain text'}; {kind} {what}"
    yield (
        f"{report.lines:,} lines: {report.documents:,} documents, {report.blank_lines:,} blank, "
        f"{report.wrong:,} wrong"
    )
    if report.documents:
        characters = sum(length * count for length, count in report.lengths.items())
        yield (
            f"{characters:,} characters: {characters / report.documents:,.1f} per document on "
            f"average, median {median(report.lengths):,.1f}, longest {max(report.lengths):,}"
        )
    if report.pairs:
        first, second = (characters / report.pairs for characters in report.pair_characters)
        yield (
            f"{report.pairs:,} pairs of texts: first {first:,.1f}, second {second:,.1f} "
            "characters on average"
        )
    if report.tokens:
        too_long = report.too_long(sequence_length)
        yield (
            f"{f'{too_long:,} documents are' if too_long else 'no document is'} longer than "
            f"--sequence_length={sequence_length}{' and will be truncated' * bool(too_long)}; the "
            f"longest has {max(report.tokens):,} tokens, the median {median(report.tokens):,.1f}"
        )
    for document in report.first_documents:
        texts = [
            text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
            for text in (document.text, document.text_b)
            if text is not None
        ]
        shown = " | ".join(" ".join(text.split()) for text in texts)
        labels = f"  [{', '.join(document.labels)}]" if report.labelled else ""
        yield f"  line {document.line}: {shown}{labels}"
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


def set_lines(reports: Sequence[FileReport], finder: TroubleFinder) -> Iterator[str]:
    """The lines about all labelled files together."""
    troubles = finder.troubles()
    yield ""
    yield "Suspicious:" if troubles else "Nothing is suspicious."
    yield from (f"  {trouble.message}" for trouble in troubles)
    per_document: Counter[int] = Counter()
    for report in reports:
        per_document += report.labels_per_document
    unlabelled, documents = per_document[0], per_document.total()
    if finder.one_label_each:
        yield "Each document has exactly one label: --task=multi_class learns to choose one."
    elif unlabelled == documents:
        yield "No document has a label: as files for pre-training, check them with --free_text."
    elif unlabelled:
        yield (
            f"{unlabelled:,} documents have no labels: with --task=multi_label they are examples "
            "of none; --task=multi_class cannot use them."
        )
    elif max(per_document) > 1:
        yield "Some documents have several labels: use --task=multi_label."


def main() -> None:
    """Runs the command; see the top of this file for its exit status."""
    run(_check, CheckFileOptions, "Check data files: what is in them, and what is wrong with them.")


def _check(options: CheckFileOptions) -> None:
    files, labelled = data_files(options.file), not options.free_text
    finder = TroubleFinder(train=str(files[0]))
    tokenizer = make_tokenizer(options.tokenize_style)
    reports = [
        check_file(
            path,
            labelled=labelled,
            reading=options.reading(),
            tokenizer=tokenizer,
            finder=finder if labelled else None,
        )
        for path in files
    ]
    try:
        for number, report in enumerate(reports):
            lines = report_lines(report, options.sequence_length)
            print(printable("\n" * (number > 0) + "\n".join(lines)))
        if labelled and any(report.documents for report in reports):
            print(printable("\n".join(set_lines(reports, finder))))
        sys.stdout.flush()
    finally:
        # Even if nobody reads the report to its end (`... | head`).
        without_labels = labelled and not reports[0].label_counts
        if without_labels or not all(report.in_order for report in reports):
            sys.exit(1)


def _label_lines(report: FileReport) -> Iterator[str]:
    counts = report.label_counts
    per_document = report.labels_per_document
    rare = sum(count < RARE for count in counts.values())
    yield (
        f"{len(counts):,} labels, {counts.total() / report.documents:.2f} per document, at most "
        f"{max(per_document)}; {rare:,} labels have fewer than {RARE} documents"
    )
    yield ""
    yield f"The {min(_SHOWN_LABELS, len(counts))} most frequent labels:"
    yield "  documents   share  label"
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for label, count in in_order[:_SHOWN_LABELS]:
        yield f"  {count:9,}  {count / report.documents:6.1%}  {label}"


if __name__ == "__main__":
    main()
