"""What a report consists of. Nothing here says how it looks: that is `reports.rendering`.

report = Report(
    title="Fine-tuning",
    facts=[Fact("F1", "0.812")],
    sections=[Section("Curves", [LineChart("Loss", "step", "loss", [Series("train", points)])])],
)
html = render(report)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

Point = tuple[float, float]


@dataclass(frozen=True)
class Fact:
    """A number with its name, such as a metric.

    Attributes:
        name: what it is.
        value: as it is shown.
        note: a few words about it.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Attributes:
        name: a word or two, written at its end.
        points: (x, y), in the order of x; without points it is left out.
    """

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class LineChart:
    """Lines over a common axis.

    Attributes:
        title: what the chart shows.
        x, y: the names of the axes.
        series: the lines, at most four.
        marked: an x that is marked, such as that of the best epoch, and the words for it.
        unit_square: whether both axes run from 0 to 1, with a thin line where y equals x.
        sizes: for each point of the first line how many things it stands for; they become the areas
            of dots.
        table: whether the numbers are also shown as a table, on request.
    """

    kind: ClassVar[str] = "line_chart"

    title: str
    x: str
    y: str
    series: Sequence[Series]
    marked: tuple[float, str] | None = None
    unit_square: bool = False
    sizes: Sequence[float] = ()
    table: bool = True


@dataclass(frozen=True)
class ScatterChart:
    """A dot for each thing. Its name is shown when it is pointed at.

    Attributes:
        title: what the chart shows.
        x: the name of the x axis, which is logarithmic.
        y: the name of the y axis, which runs from 0 to 1.
        points: (x, y, name), x at least 0 and y from 0 to 1.
    """

    kind: ClassVar[str] = "scatter_chart"

    title: str
    x: str
    y: str
    points: Sequence[tuple[float, float, str]]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: its caption.
        columns: the headings.
        rows: a value for each column; numbers are aligned to the right.
        bars: the column of numbers, if any, beside which bars are drawn.
        wide: whether it has the width of the page, because of its many columns.
        folded: whether it is shown only on request.
    """

    kind: ClassVar[str] = "table"

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    bars: int | None = None
    wide: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Sentences:
    """A few sentences, each a paragraph of its own."""

    kind: ClassVar[str] = "sentences"

    sentences: Sequence[str]


@dataclass(frozen=True)
class Example:
    """A text, and what there is to say of it.

    Attributes:
        place: where it is, such as "test.txt:12".
        texts: its text, or its texts, perhaps cut.
        facts: short texts by name.
    """

    place: str
    texts: Sequence[str]
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Examples:
    """Several examples, one after another."""

    kind: ClassVar[str] = "examples"

    examples: Sequence[Example]


Block = LineChart | ScatterChart | Table | Sentences | Examples


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: its heading.
        blocks: its content; charts that follow one another stand side by side where there is room.
        about: a sentence that says how to read it.
    """

    title: str
    blocks: Sequence[Block]
    about: str = ""


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: its heading.
        about: a sentence below the heading.
        command: the command line that made it.
        facts: the most important numbers.
        sections: the rest, in order.
    """

    title: str
    about: str = ""
    command: str = ""
    facts: Sequence[Fact] = ()
    sections: Sequence[Section] = field(default_factory=list)
