"""What a data file holds, and which of its lines are wrong."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import InputError
from data_util.inputs import token_budget
from data_util.labelled.checked_examples import Checked, CheckedExample, ReadChecked
from data_util.labelled.troubles import TroubleFinder
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import checked_file
from data_util.tokens.tokenizers import Tokenizer

_SHOWN_ERRORS = 20
_SHOWN_EXAMPLES = 3


@dataclass
class FileReport:
    """What a file holds; its size grows with the number of distinct labels and numbers, not lines.

    Attributes:
        kind: what it was taken for, such as "JSON lines with the fields fact, meta.accusation"; ""
            if it has no text.
        lengths: number of examples by number of characters (of both texts of a pair).
        tokens: number of examples by number of tokens, if they were counted.
        pairs: number of examples that are pairs of texts.
        pair_characters: characters of all first texts, and of all second ones.
        with_truth: number of examples from which there is something to learn: a label, an entity.
        label_counts: how often each label is there.
        labels_per_example: number of examples by number of labels.
        numbers: number of examples by each further number of theirs, by its name.
        oddities: how many examples are strange, and the line of the first one, by what is strange.
        first_examples: the first of them.
        wrong: number of lines that cannot be used.
        first_errors: line number and reason of the first of them.
    """

    path: str
    kind: str = ""
    blank_lines: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    pairs: int = 0
    pair_characters: tuple[int, int] = (0, 0)
    with_truth: int = 0
    label_counts: Counter[str] = field(default_factory=Counter)
    labels_per_example: Counter[int] = field(default_factory=Counter)
    numbers: dict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    oddities: dict[str, tuple[int, int]] = field(default_factory=dict)
    first_examples: list[CheckedExample] = field(default_factory=list)
    wrong: int = 0
    first_errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def examples(self) -> int:
        return self.lengths.total()

    @property
    def labelled(self) -> bool:
        """Whether there is something to learn from its texts."""
        return any(example.truth is not None for example in self.first_examples)

    @property
    def in_order(self) -> bool:
        """Whether training can read the file."""
        return not self.wrong and bool(self.examples)

    def too_long(self, sequence_length: int) -> int:
        """How many examples have more tokens than fit into a sequence."""
        room = token_budget(sequence_length, pairs=bool(self.pairs))
        return sum(count for length, count in self.tokens.items() if length > room)


def check_file(
    path: Path,
    read: ReadChecked,
    *,
    reading: Reading = DEFAULT_READING,
    tokenizer: Tokenizer | None = None,
    finder: TroubleFinder | None = None,
) -> FileReport:
    """Reads a whole file, and continues after wrong lines.

    Args:
        path: the file.
        read: reads its examples.
        reading: how to read it.
        tokenizer: counts the tokens of each example; None: they are not counted.
        finder: is given all examples, as the split of the file's name.

    Raises:
        InputError: the file cannot be read.
    """
    path = checked_file(path)
    report = FileReport(str(path))
    for number, found in _to_the_end(read(path, reading)):
        if isinstance(found, InputError):
            report.wrong += 1
            if len(report.first_errors) < _SHOWN_ERRORS:
                report.first_errors.append((number, found.message))
        elif found is None:
            report.blank_lines += 1
        else:
            _add(report, found, tokenizer)
            if finder is not None:
                finder.add(report.path, found, report.path)
    return report


def _to_the_end(examples: Iterator[Checked]) -> Iterator[Checked]:
    """The lines; what ends the reading before the file does is an error of its line."""
    try:
        yield from examples
    except InputError as error:
        yield error.line or 1, error


def _add(report: FileReport, example: CheckedExample, tokenizer: Tokenizer | None) -> None:
    report.kind = report.kind or example.kind
    report.lengths[sum(map(len, example.texts))] += 1
    if tokenizer is not None:
        report.tokens[sum(len(tokenizer.tokenize(text)) for text in example.texts)] += 1
    if len(example.texts) == 2:
        first, second = report.pair_characters
        report.pair_characters = (first + len(example.texts[0]), second + len(example.texts[1]))
        report.pairs += 1
    report.with_truth += bool(example.truth)
    report.label_counts.update(example.labels)
    report.labels_per_example[len(example.labels)] += 1
    for name, number in example.numbers.items():
        report.numbers[name][number] += 1
    for oddity in example.oddities:
        count, line = report.oddities.get(oddity, (0, example.line))
        report.oddities[oddity] = (count + 1, line)
    if len(report.first_examples) < _SHOWN_EXAMPLES:
        report.first_examples.append(example)


def median(numbers: Mapping[int, int] | Mapping[float, int]) -> float:
    """The median of numbers that are given by their counts."""
    counts = {float(number): count for number, count in numbers.items()}
    total = sum(counts.values())
    middle = ((total - 1) // 2, total // 2)
    found: list[float] = []
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        while len(found) < 2 and middle[len(found)] < seen:
            found.append(number)
    return statistics.mean(found)
