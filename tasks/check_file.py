"""Checks data files: all errors, not only the first, and what is suspicious in labelled ones.

    python -m tasks.check_file FILE... [--task=NAME] [--text_field=body] [--label_field=topic]
    python -m tasks.check_file FILE... --free_text

Several files are the splits of one set: the training file first. The exit status is 0 if training
can read the files, 1 if a line is wrong or there is no example, 2 if a file cannot be read.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.command_line import printable, run
from common.options import REQUIRED, Options, option
from data_util.labelled.checked_examples import check_texts
from data_util.labelled.file_report import FileReport, check_file, median
from data_util.labelled.troubles import RARE, TroubleFinder
from data_util.reading.file_options import LabelOptions, TextFileOptions
from data_util.reading.sources import data_files
from data_util.tokens.tokenizers import make_tokenizer
from tasks.base import Task
from tasks.registry import DEFAULT_TASK, TASKS

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

    task: str = option(DEFAULT_TASK, "what is learned from the labelled examples", choices=TASKS)
    free_text: bool = option(False, "files for pre-training, whose lines need no labels")
    sequence_length: int = option(512, "counts the examples that are longer", minimum=4)
    tokenize_style: str = option("word", "how their tokens are counted", choices=_STYLES)


def report_lines(report: FileReport, sequence_length: int, unit: str, truth: str) -> Iterator[str]:
    """The lines about one file that the command prints.

    Args:
        report: what it holds.
        sequence_length: the examples that are longer are counted.
        unit, truth: what the examples are, and what is learned from them, in the plural.
    """
    kind = "labelled" if report.labelled else "free"
    what = "pairs of texts" if report.pairs and report.pairs == report.examples else "text"
    yield f"{report.path}: {f'{report.kind}; ' * bool(report.kind)}{kind} {what}"
    yield (
        f"{report.examples:,} {unit}, {report.blank_lines:,} blank lines, {report.wrong:,} wrong "
        "lines"
    )
    if report.examples:
        yield from _size_lines(report, sequence_length, unit)
    for example in report.first_examples:
        texts = " | ".join(map(_shortened, example.texts))
        shown = f"  [{_shortened(example.shown)}]" if report.labelled else ""
        yield f"  line {example.line}: {texts}{shown}"
    if report.label_counts:
        yield from _label_lines(report, unit, truth)
    if report.first_errors:
        yield ""
        yield "Wrong lines:"
        yield from (f"  line {number}: {reason}" for number, reason in report.first_errors)
        if report.wrong > len(report.first_errors):
            yield f"  and {report.wrong - len(report.first_errors):,} more"
    elif not report.examples:
        yield "There is no text in this file, only blank lines."
    else:
        yield "Every line can be used."


def set_lines(task: type[Task], reports: Sequence[FileReport], finder: TroubleFinder) -> list[str]:
    """The lines about all labelled files together."""
    some_labels = any(finder.counts.values())
    messages = [
        trouble.message for trouble in (finder.troubles() if some_labels else finder.repetitions())
    ]
    for report in reports:
        messages += [
            f"{count:,} of {report.examples:,} {task.unit} in {report.path} {oddity} "
            f"({report.path}:{line}{', ...' if count > 1 else ''})"
            for oddity, (count, line) in report.oddities.items()
        ]
    labels_per_example: Counter[int] = Counter()
    for report in reports:
        labels_per_example += report.labels_per_example
    return [
        "",
        "Suspicious:" if messages else "Nothing is suspicious.",
        *(f"  {message}" for message in messages),
        *task.check_advice(labels_per_example, finder),
    ]


def main() -> None:
    """Runs the command; see the top of this file for its exit status."""
    run(_check, CheckFileOptions, "Check data files: what is in them, and what is wrong with them.")


def _check(options: CheckFileOptions) -> None:
    files, labelled, task = data_files(options.file), not options.free_text, TASKS[options.task]
    unit, truth = (task.unit, task.truth) if labelled else ("documents", "labels")
    finder = TroubleFinder(str(files[0]), unit, truth)
    tokenizer = make_tokenizer(options.tokenize_style)
    reports = [
        check_file(
            path,
            task.check_examples if labelled else check_texts,
            reading=options.reading(),
            tokenizer=tokenizer,
            finder=finder if labelled else None,
        )
        for path in files
    ]
    try:
        for number, report in enumerate(reports):
            lines = report_lines(report, options.sequence_length, unit, truth)
            print(printable("\n" * (number > 0) + "\n".join(lines)))
        if labelled and any(report.examples for report in reports):
            print(printable("\n".join(set_lines(task, reports, finder))))
        sys.stdout.flush()
    finally:
        # Even if nobody reads the report to its end (`... | head`).
        if (labelled and not reports[0].with_truth) or not all(
            report.in_order for report in reports
        ):
            sys.exit(1)


def _size_lines(report: FileReport, sequence_length: int, unit: str) -> Iterator[str]:
    characters = sum(length * count for length, count in report.lengths.items())
    yield (
        f"{characters:,} characters: {characters / report.examples:,.1f} per {_singular(unit)} on "
        f"average, median {median(report.lengths):,.1f}, longest {max(report.lengths):,}"
    )
    if report.pairs:
        first, second = (characters / report.pairs for characters in report.pair_characters)
        yield (
            f"{report.pairs:,} pairs of texts: first {first:,.1f}, second {second:,.1f} "
            "characters on average"
        )
    too_long = report.too_long(sequence_length)
    yield (
        f"{f'{too_long:,} {unit} are' if too_long else f'no {_singular(unit)} is'} longer than "
        f"--sequence_length={sequence_length}"
        f"{' and will be truncated, or read in windows' * bool(too_long)}; the longest has "
        f"{max(report.tokens):,} tokens, the median {median(report.tokens):,.1f}"
    )
    for name, counts in report.numbers.items():
        total = sum(number * count for number, count in counts.items())
        yield (
            f"{name}: {total / counts.total():,.4g} on average, median {median(counts):,.4g}, from "
            f"{min(counts):,.4g} to {max(counts):,.4g}"
        )


def _label_lines(report: FileReport, unit: str, truth: str) -> Iterator[str]:
    counts, per_example = report.label_counts, report.labels_per_example
    rare = sum(count < RARE for count in counts.values())
    counted = unit if truth == "labels" else truth
    each = "" if truth == "labels" else f"{truth} "
    yield (
        f"{len(counts):,} labels, {counts.total() / report.examples:.2f} {each}per "
        f"{_singular(unit)}, at most {max(per_example)}; {rare:,} labels have fewer than {RARE} "
        f"{counted}"
    )
    # Of documents, each of which may have several labels; or of entities, each of which has one.
    whole = report.examples if truth == "labels" else counts.total()
    yield ""
    yield f"The {min(_SHOWN_LABELS, len(counts))} most frequent labels:"
    yield f"  {counted:>9}   share  label"
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for label, count in in_order[:_SHOWN_LABELS]:
        yield f"  {count:9,}  {count / whole:6.1%}  {label}"


def _shortened(text: str) -> str:
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return " ".join(short.split())


def _singular(unit: str) -> str:
    return unit.removesuffix("s")


if __name__ == "__main__":
    main()
